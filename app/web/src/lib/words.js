// The market's technical names in plain words.

import { countdown, energy, money, price } from "./units.js";

export const PHASES = {
  trading: { name: "Trading", does: "Households offer energy and haggle over its price." },
  commit: { name: "Agreeing", does: "What was agreed is written down; money is set aside." },
  delivery: { name: "Delivering", does: "The agreed energy flows, and the meters count it." },
  settlement: { name: "Settling", does: "Meters are read, and sellers are paid for what came." },
  settled: { name: "Settled", does: "Everybody is paid; the grid evened out the rest." },
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
  mint: "Turned a deposit into market money",
  burn: "Paid market money out to a bank",
  makeOffer: "Published an offer",
  cancelOffer: "Took an offer back",
  placeOrder: "Placed an order in the auction",
  cancelOrder: "Took an order back",
  releaseOrders: "Let go of orders that no book has",
  clear: "Cleared the auction of an hour",
  setPricingRule: "Set how the auction finds its prices",
  setVenue: "Admitted a venue, or no longer",
  allowTransaction: "Wrote down an agreement",
  allowTransactions: "Wrote down agreements",
  makeTransaction: "Settled an agreement, paid its seller",
  makeTransactions: "Settled agreements, paid sellers",
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
  multicall: "Set who may do what",
  execute: "Relayed a signed request",
  pause: "Paused the market",
  unpause: "Opened the market again",
};

/** A contract function in plain words. */
export function doing(name) {
  if (name === "") return "Set up a contract";
  return FUNCTIONS[name] ?? `Called ${name}`;
}

const SAID = {
  "call-for-proposal": ["asks for", (who) => `asks ${who} for`],
  "accept-proposal": ["agrees to", (who) => `agrees with ${who} on`],
  "reject-proposal": ["turns it down", (who) => `turns ${who} down`],
  refuse: ["does not sell", (who) => `does not sell to ${who}`],
  inform: ["confirms", (who) => `confirms it to ${who}`],
  failure: ["could not keep its word", (who) => `could not keep its word to ${who}`],
  "not-understood": ["does not understand", (who) => `does not understand ${who}`],
};
const ASK = ["would sell for", (who) => `would sell to ${who} for`];
const BID = ["would pay", (who) => `would pay ${who}`];

/** What a negotiation message says, without its sender; with its receiver if that is given. */
export function saying(performative, fromSeller, receiver) {
  const proposal = performative === "propose" && (fromSeller ? ASK : BID);
  const [alone, addressed] = proposal || SAID[performative] || [performative, () => performative];
  return receiver ? addressed(receiver) : alone;
}

/** "accept", "reject" or "talk": how a conversation stands after a message. */
export function outcomeOf(performative) {
  if (performative === "accept-proposal" || performative === "inform") return "accept";
  return ["reject-proposal", "refuse", "failure"].includes(performative) ? "reject" : "talk";
}

// ---------------------------------------------------------------- auction

export const BOOK_STATES = {
  open: "Takes orders",
  closed: "Closed: it is about to be cleared",
  clearing: "Being cleared",
  cleared: "Cleared",
  missed: "Nobody cleared it in time",
};

export const RULES = {
  midpoint: "Each pair trades in the middle of its two limits.",
  uniform: "All trade at one price, that of the last pair.",
  pay_as_bid: "Each buyer pays what it has offered.",
};

/** How an order stands, in a word or two. */
export function orderState(order) {
  switch (order.state) {
    case "open":
      return "In the book";
    case "closed":
      return "Waiting for the clearing";
    case "dropped":
      return "In no book";
    case "filled":
      return order.side === "buy" ? "Bought" : "Sold";
    case "served":
      return "Comes from the grid";
    case "cancelled":
      return "Taken back";
    default:
      if (order.filled_wh === 0) return "Not matched";
      return order.side === "buy" ? "Bought in part" : "Sold in part";
  }
}

/** What happened to an order, as a sentence without its end. */
export function orderStep(step, side, hours) {
  switch (step.step) {
    case "placed":
      return `Placed ${energy(step.energy_wh)} for ${hours}`;
    case "filled":
      return `${side === "buy" ? "Bought" : "Sold"} ${energy(step.energy_wh)} at ${price(step.price)}`;
    case "carried":
      return `Not matched: ${energy(step.energy_wh)} stay for ${hours}`;
    case "served":
      return `${energy(step.energy_wh)} come from the grid, at its price`;
    case "cancelled":
      return `Took ${energy(step.energy_wh)} back`;
    default:
      return `${energy(step.energy_wh)} were not matched, and the order ended`;
  }
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
  ExpiryTooEarly: ["until", () => "The order would end before its hour is cleared."],
  ExpiryTooLate: ["until", () => "An order can wait for a week at most."],
  BookClosed: ["", () => "This hour is about to be cleared: nothing can be taken back just now."],
  BookClearing: ["", () => "This hour is being cleared just now. Please try again in a moment."],
  OrderUnknown: ["", () => "Nothing is left of this order."],
  OfferIsCancelled: ["", () => "This offer was taken back already."],
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
 * A problem of the gateway as notes by field of the form; "" is the form as a whole.
 * @param {import("./http.js").Problem} problem
 */
export function explain(problem, currency) {
  if (problem.error in REFUSALS) {
    const [field, say] = REFUSALS[problem.error];
    return { [field]: say(problem.details, currency) };
  }
  const notes = Object.fromEntries(
    Object.entries(problem.fields).map(([field, rule]) => [field, sentence(rule)]),
  );
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
export function closedBecause(phase, left, inAuction) {
  if (phase === "trading") return "";
  if (phase === "commit" && inAuction) {
    return `The book of this hour has closed: its orders are being matched. It begins in ${countdown(left)}.`;
  }
  if (phase === "commit") {
    return `Offers for this hour have closed: its agreements are being written. It begins in ${countdown(left)}.`;
  }
  return "This hour has begun: it can no longer be traded.";
}
