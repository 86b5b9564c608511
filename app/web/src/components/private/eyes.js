// How members, and the one who looks, are spoken of.

import { nameOf } from "../../lib/market.svelte.js";
import { eyes, street } from "../../lib/private.svelte.js";

/** A member's household, or its account as the market knows it. */
export function memberName(account) {
  const member = street.about?.members.find((each) => each.account === account);
  return member?.household ?? nameOf(account);
}

/** Who looks: its `name`, what `sees` heads all that it sees, and `looks` one thing of it. */
export function seer() {
  if (eyes.who === "") {
    const sees = "What an outsider sees: the same";
    return { name: "an outsider", sees, looks: "An outsider sees" };
  }
  if (eyes.who === "own") return { name: "you", sees: "What you see", looks: "You see" };
  const name = memberName(eyes.who);
  return { name, sees: `What ${name} sees`, looks: `${name} sees` };
}
