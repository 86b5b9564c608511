// For whom a visitor acts: a household of a demonstration, the same in all forms of the page.

import { peopleByName } from "./market.svelte.js";

/** `household` is an address; "" is the first one. */
export const visitor = $state({ household: "" });

/** Whom the gateway signs for. */
export const households = () => peopleByName().filter((person) => person.development);

/** The participant that the visitor acts for; undefined where there is none. */
export function acting() {
  const all = households();
  return all.find((person) => person.address === visitor.household) ?? all[0];
}
