// The story of an offer: offer -> negotiation -> agreement -> delivery -> payment.

import { outcomeOf } from "./words.js";

export const STEPS = ["Offered", "Haggled", "Agreed", "Delivered", "Paid"];

/**
 * How far an offer has come.
 * @returns {{done: number, ended: boolean}} steps done (1 to 5); `ended` if no further one can come
 */
export function progress(offer, said, agreed, phase) {
  const settled = agreed.length > 0 && agreed.every((a) => a.settlement);
  let done = 1;
  if (said.length > 0) done = 2;
  if (agreed.length > 0) done = 3;
  if (agreed.length > 0 && (phase === "settlement" || phase === "settled")) done = 4;
  if (settled) done = 5;
  const past = phase === "delivery" || phase === "settlement" || phase === "settled";
  return { done, ended: offer.cancelled || (agreed.length === 0 && past) };
}

/** What is to be said of an offer in a word or two. */
export function standing(offer, said, agreed, phase) {
  const { done, ended } = progress(offer, said, agreed, phase);
  if (offer.cancelled) return "Taken back";
  if (done === 5) return "Paid";
  if (done === 4) return "To be paid";
  if (done === 3) return phase === "delivery" ? "Being delivered" : "Agreed";
  if (ended) return "No buyer";
  if (done === 2) return "Haggling";
  return "Open";
}

/** Messages by conversation, in the order in which the conversations began. */
export function conversations(said) {
  const threads = new Map();
  for (const message of said) {
    if (!threads.has(message.conversation_id)) threads.set(message.conversation_id, []);
    threads.get(message.conversation_id).push(message);
  }
  return [...threads.values()];
}

/** "accept", "reject" or "talk": how a conversation stands in a phase of its window. */
export function verdict(thread, phase) {
  const last = outcomeOf(thread.at(-1).performative);
  return last === "talk" && phase !== "trading" && phase !== "commit" ? "reject" : last;
}

export const VERDICTS = { accept: "agreed", reject: "no deal", talk: "talking" };
