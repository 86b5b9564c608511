// The gateway's resources of private trading: what everybody sees and, in a demonstration alone, the
// keys of those who live there.

import { all, get, page } from "./http.js";

const plain = (row) => row;
const MOST_NOTES = 500;

export const about = () => get("/private");
export const rounds = async (limit) => (await page("/private/rounds", { limit }, plain)).items;
export const movements = async (limit) =>
  (await page("/private/movements", { limit }, plain)).items;

/** A round with its ring, its offers and all its agreements. */
export async function round(window) {
  const found = await get(`/private/rounds/${window}`);
  if (found.next === null) return found;
  const agreements = await all("/private/agreements", { window }, plain);
  return { ...found, agreements };
}

export const notesFrom = (first) => numbered("/private/notes", first);
export const imagesFrom = (first) => numbered("/private/images", first);

/** All of a numbered list from a number on. */
async function numbered(path, first) {
  const items = [];
  for (let next = first; next !== null;) {
    const part = await get(path, { first: next, limit: MOST_NOTES });
    items.push(...part.items);
    next = part.next;
  }
  return items;
}

/** The keys of a household of the demonstration, and what it knows of its own trades. */
export const household = (account) => get(`/private/households/${account}`);

/** The auditors' secret, which is nobody's secret in a demonstration. */
export const auditorSecret = async () => (await get("/private/auditor")).secret;
