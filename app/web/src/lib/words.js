// The market's technical names in plain words.

import { countdown, energy, money, price } from "./units.js";

export const PHASES = {
  trading: { name: "Trading", does: "Households offer energy and haggle over its price." },
  commit: {
    name: "Agreeing",
    does: "No more haggling: what was agreed is written down, money is locked.",
  },
  delivery: { name: "Delivering", does: "The agreed energy flows, and the meters count it." },
  settlement: {
    name: "Settling",
    does: "Meters are read, sellers are paid, the rest goes to or comes from the grid.",
  },
  settled: { name: "Settled", does: "Everybody is paid, and the rest is squared with the grid." },
};

const FUNCTIONS = {
  publishInfo: "Joined the market",
  certify: "Certified a meter",
  revoke: "Withdrew a meter's certificate",
  deposit: "Paid money into the market",
  depositWithPermit: "Paid money into the market",
  withdraw: "Took money out of the market",
  approve: "Let the market take a deposit",
  permit: "Let the market take a deposit",
  mint: "Turned a bank deposit into market money",
  burn: "Turned market money into a bank transfer",
  makeOffer: "Published an offer",
  cancelOffer: "Took an offer back",
  allowTransaction: "Wrote down an agreement",
  allowTransactions: "Wrote down agreements",
  makeTransaction: "Settled an agreement: paid for delivered energy",
  makeTransactions: "Settled agreements: paid for delivered energy",
  submitReading: "Recorded a meter reading",
  submitReadings: "Recorded meter readings",
  closePosition: "Squared a household with the grid",
  closePositions: "Squared households with the grid",
  payClaim: "Paid what the operator owed",
  publishTerms: "Published the grid's prices",
  setDefaultTerms: "Set the grid's usual prices",
  setTermLimits: "Set limits for the operator's prices",
  setTreasury: "Named the operator's treasury",
  grantRole: "Gave a role",
  setTargetFunctionRole: "Set who may do what",
  execute: "Relayed a signed request",
  pause: "Paused the market",
  unpause: "Opened the market again",
};

/** A contract function in plain words. */
export function doing(name) {
  return FUNCTIONS[name] ?? `Called ${name || "a contract"}`;
}

const SAID = {
  cfp: "asks for",
  "call-for-proposal": "asks for",
  request: "asks for",
  propose: "would take",
  counter: "would take",
  "counter-propose": "would take",
  accept: "agrees to",
  "accept-proposal": "agrees to",
  agree: "agrees to",
  reject: "turns down",
  "reject-proposal": "turns down",
  refuse: "turns down",
  failure: "could not keep",
  confirm: "confirms",
  inform: "confirms",
};

const words = (performative) => String(performative).toLowerCase().replaceAll("_", "-");

/** What a negotiation message says, without its sender and receiver. */
export function saying(message, fromSeller) {
  const performative = words(message.performative);
  if (!(performative in SAID)) return performative.replaceAll("-", " ");
  const verb = SAID[performative];
  if (verb !== "would take") return verb;
  return fromSeller ? "would sell at" : "would pay";
}

/** "accept", "reject" or "talk". */
export function outcomeOf(performative) {
  const name = words(performative);
  if (name.startsWith("accept") || name === "agree" || name === "confirm") return "accept";
  if (name.startsWith("re") && name !== "request") return "reject";
  return name === "failure" ? "reject" : "talk";
}

// ----------------------------------------------------------------- errors

const range = (a) => `between ${price(a.minimum)} and ${price(a.maximum)} per kWh`;

/** Contract errors: which field of the form they are about, and what to say. */
const REFUSALS = {
  WindowClosed: [
    "window",
    () => "This hour is closed: offers and haggling end five minutes before it starts.",
  ],
  WindowTooFar: [
    "window",
    () => "That is too far ahead: offers can be made for the next seven days.",
  ],
  PriceOutOfRange: ["price", (a) => `The price must lie ${range(a)}.`],
  EnergyZero: ["energy", () => "The energy must be more than nothing."],
  EnergyTooLarge: [
    "energy",
    (a) => `That is more than a household can offer (${energy(Number(a.maximum))}).`,
  ],
  FundsInsufficient: [
    "household",
    (a, currency) =>
      `Not enough free money: ${money(Number(a.required), currency)} are needed, ${money(Number(a.free), currency)} are free.`,
  ],
  DebtOutstanding: [
    "household",
    (a, currency) =>
      `This household owes ${money(Number(a.debt), currency)} for grid energy and must pay that first.`,
  ],
  NotParticipant: ["household", () => "This household has not joined the market yet."],
  NotCertified: ["household", () => "This household's meter is not certified."],
  SettlementOutstanding: [
    "household",
    () => "An earlier sale of this household is still to be settled.",
  ],
  EnforcedPause: [
    "",
    () => "The market is paused by its members. Settlements and withdrawals go on.",
  ],
};

/**
 * A problem of the gateway as notes by form field; "" is the note for the form as a whole.
 * @param {import("./api.js").Problem} problem
 */
export function explain(problem, fieldOf, currency) {
  if (problem.error in REFUSALS) {
    const [field, say] = REFUSALS[problem.error];
    return { [field]: say(problem.details, currency) };
  }
  const notes = {};
  for (const [name, message] of Object.entries(problem.fields)) {
    const last = name.split(".").at(-1);
    notes[fieldOf[last] ?? ""] = sentence(message);
  }
  if (Object.keys(notes).length) return notes;
  if (problem.status === 0) {
    return { "": "The gateway does not answer. Nothing was sent; please try again in a moment." };
  }
  if (problem.status === 429) return { "": "That was a lot at once. Please wait a moment." };
  return { "": sentence([problem.message, problem.hint].filter(Boolean).join(". ")) };
}

function sentence(text) {
  const trimmed = text.trim();
  const upper = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}

/** Why nothing can be done for a window in a phase, or "". */
export function closedBecause(phase, left) {
  if (phase === "trading") return "";
  if (phase === "commit") {
    return `Offers for this hour have closed: its agreements are being written. It begins in ${countdown(left)}.`;
  }
  return "This hour has begun: it can no longer be traded.";
}

// -------------------------------------------------------------- statement

const ENTRIES = {
  deposit: "Paid in",
  withdrawal: "Taken out",
  escrow: "Set aside for a purchase",
  bond: "Set aside as a bond",
  release: "Set free again",
  sale: "Sold to a neighbour",
  purchase: "Bought from a neighbour",
  shortfall: "Paid for energy that was missing",
  compensation: "Received for energy that was missing",
  penalty: "Penalty for energy that was missing",
  "grid export": "Sold to the grid",
  "grid import": "Bought from the grid",
  cover: "Bought from the grid to keep an agreement",
  debt: "Owed to the operator",
  "debt paid": "Debt paid",
  claim: "Owed by the operator",
  "claim paid": "Paid by the operator",
};

/** A line of a statement in plain words. */
export function entry(kind) {
  const name = kind.toLowerCase().replaceAll("_", " ");
  return ENTRIES[name] ?? name.charAt(0).toUpperCase() + name.slice(1);
}
