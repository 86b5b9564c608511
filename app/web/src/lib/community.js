// What the members decide, the treasury and the audits, in plain words. Nothing here knows of the
// page's state: names and times are given.

import { energy, money, price } from "./units.js";

// -------------------------------------------------------------- proposals

/** A proposal's state: its word, its icon, and whether anything can still come of it. */
export const STATES = {
  pending: { word: "Vote about to begin", icon: "clock", open: true },
  active: { word: "Vote open", icon: "vote", open: true },
  succeeded: { word: "Passed", icon: "check", open: true },
  queued: { word: "Passed, waiting", icon: "clock", open: true },
  executed: { word: "Carried out", icon: "check", open: false },
  defeated: { word: "Turned down", icon: "cross", open: false },
  canceled: { word: "Taken back", icon: "cross", open: false },
  expired: { word: "Passed, but not carried out in time", icon: "cross", open: false },
};

export const SUPPORT = {
  for: { word: "For", icon: "check" },
  against: { word: "Against", icon: "cross" },
  abstain: { word: "Abstained", icon: "minus" },
};

const CALLS = {
  "Membership.admit": (a, say) => `Admit ${say.name(a.account)} as a member`,
  "Membership.expel": (a, say) => `End the membership of ${say.name(a.member)}`,
  "EnergyMarket.unpause": () => "End the pause, so that the street trades again",
  "EnergyMarket.setTermLimits": ({ limits }) =>
    `Let the grid pay at least ${price(limits.minGridFloor)} and ask at most ` +
    `${price(limits.maxGridCeiling)} a kWh, with a penalty of at most ${price(limits.maxPenaltyRate)}`,
  "Treasury.setDailyLimit": (a, say) =>
    `Let at most ${money(Number(a.dailyLimit), say.currency)} of new money in on a day`,
};

/** The calls that the page can propose. */
export const callOf = {
  admit: (account, householdId) => ({
    contract: "Membership",
    function: "admit",
    arguments: { account, householdId },
  }),
  expel: (member) => ({ contract: "Membership", function: "expel", arguments: { member } }),
  unpause: () => ({ contract: "EnergyMarket", function: "unpause", arguments: {} }),
  limits: (minGridFloor, maxGridCeiling, maxPenaltyRate) => ({
    contract: "EnergyMarket",
    function: "setTermLimits",
    arguments: { limits: { minGridFloor, maxGridCeiling, maxPenaltyRate } },
  }),
};

/**
 * What a proposed call does, as a sentence without its end.
 * @param {{name: (account: string) => string, currency: string}} say
 */
export function sentenceOf(call, say) {
  const known = CALLS[`${call.contract}.${call.function}`];
  return known ? known(call.arguments, say) : call.sentence;
}

/** Open proposals first, those that end soonest before; then the others, newest first. */
export function inOrder(proposals) {
  const open = proposals.filter((each) => STATES[each.state].open);
  const done = proposals.filter((each) => !STATES[each.state].open);
  return {
    open: open.sort((a, b) => a.vote_end - b.vote_end),
    done: done.sort((a, b) => b.vote_start - a.vote_start),
  };
}

/** What is next for an open proposal: until when (0: no such moment), and what then. */
export function nextStep(proposal, rules, now) {
  const { state, eta } = proposal;
  if (state === "pending") return { until: proposal.vote_start, what: "begins in" };
  if (state === "active") return { until: proposal.vote_end, what: "closes in" };
  if (state === "queued" && eta > now) return { until: eta, what: "can be carried out in" };
  if (state === "succeeded" && rules.execution_delay_s > 0) return { until: 0, action: "queue" };
  return { until: 0, action: "execute" };
}

/**
 * Whether enough members have taken part, and how the vote stands, in words. Who votes against is
 * no help for a proposal to count, who abstains is.
 */
export function standing({ votes, state }) {
  const { quorum } = votes;
  const taking = votes.for + votes.abstain;
  const enough = taking >= quorum;
  const passing = enough && votes.for > votes.against;
  const rule =
    `For it to count, ${quorum} of ${votes.members} members must vote for it or abstain: ` +
    `${taking} ${state === "active" ? "so far." : "did."}`;
  if (state !== "active") return { enough, passing, text: rule };
  const so = passing
    ? "As it stands, it passes."
    : enough
      ? "As it stands, it fails: more must be for it than against it."
      : "As it stands, it fails.";
  return { enough, passing, text: `${rule} ${so}` };
}

/** Who voted what, with names in their order: `{for: [...], against: [...], abstain: [...]}`. */
export function sides(ballots, name) {
  const told = { for: [], against: [], abstain: [] };
  for (const ballot of ballots) {
    told[ballot.support].push({ name: name(ballot.voter), reason: ballot.reason });
  }
  for (const list of Object.values(told)) list.sort((a, b) => byName(a.name, b.name));
  return told;
}

const byName = (a, b) => a.localeCompare(b, "en", { numeric: true });

// ---------------------------------------------------------------- members

/**
 * Everybody on the street with their part in it: members, then newcomers, then who has left.
 * `part` is "member", "newcomer" or "left".
 */
export function parts(members, people, name) {
  const known = new Set(members.map((each) => each.account));
  const standing = members.map((each) => ({
    account: each.account,
    part: each.is_member ? "member" : "left",
    since: each.since,
    until: each.until,
  }));
  const newcomers = people
    .filter((person) => person.kind !== "storage" && !known.has(person.address))
    .map((person) => ({ account: person.address, part: "newcomer", since: null }));
  const order = ["member", "newcomer", "left"];
  return [...standing, ...newcomers].sort(
    (a, b) =>
      order.indexOf(a.part) - order.indexOf(b.part) || byName(name(a.account), name(b.account)),
  );
}

/** What a household has failed to do in its last hours, as a sentence. */
export function recordOf(lapses, currency) {
  const hours = `the last ${lapses.windows} hours`;
  if (lapses.lapsed_windows === 0) return `Kept its word in all of ${hours}.`;
  const what = [];
  if (lapses.shortfall_wh > 0)
    what.push(`${energy(lapses.shortfall_wh)} that it had sold were missing`);
  if (lapses.debt > 0) what.push(`${money(lapses.debt, currency)} it could not pay at once`);
  return `Did not keep its word in ${lapses.lapsed_windows} of ${hours}: ${what.join(", and ")}.`;
}

// --------------------------------------------------------------- treasury

export const WITHDRAWALS = {
  requested: "On its way",
  paid: "Paid out",
  returned: "Came back",
};

/** How much of the money in the bank is in circulation, from 0 to 1. */
export function covered({ reserve, supply }) {
  if (reserve === 0) return supply === 0 ? 0 : 1;
  return Math.min(1, supply / reserve);
}

const IBAN = /^[A-Z]{2}\d{2}[A-Z0-9]{10,30}$/;

/**
 * A typed bank account (IBAN, ISO 13616) without its spaces, if its check digits are right.
 * @returns {{value: string} | {problem: string}}
 */
export function ibanOf(text) {
  const iban = text.replace(/\s/g, "").toUpperCase();
  if (!IBAN.test(iban)) {
    return { problem: "Please type an IBAN, such as DE89 3704 0044 0532 0130 00." };
  }
  let rest = 0;
  for (const sign of iban.slice(4) + iban.slice(0, 4)) {
    for (const digit of String(parseInt(sign, 36))) rest = (rest * 10 + Number(digit)) % 97;
  }
  return rest === 1
    ? { value: iban }
    : { problem: "This IBAN has a slip in it: please look again." };
}

// ----------------------------------------------------------------- audits

/** What became of a reading that an auditor doubted, as a sentence. */
export function auditOf(audit) {
  switch (audit.state) {
    case "confirmed":
      return "The auditors found it right.";
    case "corrected": {
      const { exported_wh, imported_wh } = audit.correction;
      return `The auditors put it right: ${energy(exported_wh)} fed in, ${energy(imported_wh)} drawn.`;
    }
    case "lapsed":
      return "The auditors said nothing in time, so it stands as it was.";
    default:
      return "";
  }
}
