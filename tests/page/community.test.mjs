// What members decide, the treasury and the audits, in words.

import assert from "node:assert/strict";
import test from "node:test";

import * as community from "../../app/web/src/lib/community.js";
import * as days from "../../app/web/src/lib/days.js";
import * as units from "../../app/web/src/lib/units.js";

const NAMES = { a: "H01", b: "H02", c: "H10" };
const name = (account) => NAMES[account];
const say = { name, currency: "EUR" };
const votes = (inFavour, against, abstain, quorum = 2, members = 4) => ({
  for: inFavour,
  against,
  abstain,
  quorum,
  members,
});

test("calls that members decide on are told in a sentence", () => {
  const told = (call) => community.sentenceOf(call, say);
  assert.equal(told(community.callOf.admit("b", "0x01")), "Admit H02 as a member");
  assert.equal(told(community.callOf.expel("a")), "End the membership of H01");
  assert.match(told(community.callOf.unpause()), /^End the pause/);
  assert.equal(
    told(community.callOf.limits(10_000, 400_000, 50_000)),
    "Let the grid pay at least 1.0 ct and ask at most 40.0 ct a kWh, with a penalty of at most 5.0 ct",
  );
  assert.equal(
    told({
      contract: "Treasury",
      function: "setDailyLimit",
      arguments: { amount: "1000000000000" },
    }),
    "Let at most \u20ac1,000,000.00 of new money in on a day",
  );
});

test("what the page has no words for is told as the gateway tells it", () => {
  const call = { contract: "Consortium", function: "setVotingPeriod", arguments: {} };
  const sentence = "Let votes last 3 days";
  assert.equal(community.sentenceOf({ ...call, sentence }, say), sentence);
});

test("who abstains helps a proposal to count, who is against it does not", () => {
  const standing = (...given) => community.standing({ state: "active", votes: votes(...given) });
  assert.equal(
    standing(1, 3, 0).text,
    "For it to count, 2 of 4 members must vote for it or abstain: 1 so far. As it stands, it fails.",
  );
  assert.ok(standing(1, 0, 1).passing);
  assert.ok(standing(2, 1, 0).passing);
  const tied = standing(1, 1, 1);
  assert.ok(tied.enough && !tied.passing);
  assert.match(tied.text, /more must be for it than against it\.$/);
});

test("a vote that is over says how it was, and whether too few took part", () => {
  const over = (state, ...given) => ({ state, votes: votes(...given) });
  assert.match(community.standing(over("defeated", 1, 0, 0)).text, /abstain: 1 did\.$/);
  assert.equal(community.wordOf(over("defeated", 1, 0, 0)), "Too few took part");
  assert.equal(community.wordOf(over("defeated", 2, 2, 0)), "Turned down");
  assert.equal(community.wordOf(over("executed", 2, 0, 0)), "Carried out");
});

test("a proposal goes from its vote to the queue, and is carried out when its time has come", () => {
  const rules = { execution_delay_s: 3600 };
  const proposal = { vote_start: 100, vote_end: 200, eta: null };
  const next = (state, now, more = {}) =>
    community.nextStep({ ...proposal, state, ...more }, rules, now);
  assert.equal(next("pending", 90).until, 100);
  assert.equal(next("active", 150).until, 200);
  assert.equal(next("succeeded", 250).action, "queue");
  assert.deepEqual(next("queued", 300, { eta: 3900 }), {
    until: 3900,
    what: "can be carried out in",
  });
  assert.equal(next("queued", 3900, { eta: 3900 }).action, "execute");
  const atOnce = community.nextStep(
    { ...proposal, state: "succeeded" },
    { execution_delay_s: 0 },
    250,
  );
  assert.equal(atOnce.action, "execute");
});

test("open proposals come before the decided ones", () => {
  const list = [
    { id: 1, state: "executed", vote_start: 1, vote_end: 2 },
    { id: 2, state: "active", vote_start: 5, vote_end: 9 },
    { id: 3, state: "defeated", vote_start: 4, vote_end: 5 },
    { id: 4, state: "queued", vote_start: 2, vote_end: 3 },
  ];
  const { open, done } = community.inOrder(list);
  assert.deepEqual(
    [open.map(({ id }) => id), done.map(({ id }) => id)],
    [
      [4, 2],
      [3, 1],
    ],
  );
});

test("votes are told by side and in the order of names", () => {
  const ballot = (voter, support, reason = "") => ({ voter, support, reason });
  const told = community.sides(
    [ballot("c", "for"), ballot("a", "against", "Too dear"), ballot("b", "for")],
    name,
  );
  assert.deepEqual(
    told.for.map((each) => each.name),
    ["H02", "H10"],
  );
  assert.deepEqual(told.against, [{ name: "H01", reason: "Too dear" }]);
  assert.deepEqual(told.abstain, []);
});

test("members come first, then newcomers, then who has left; batteries are neither", () => {
  const members = [
    { account: "a", is_member: false, since: 1, until: 2 },
    { account: "b", is_member: true, since: 1, until: null },
  ];
  const people = [
    { address: "a", kind: "household" },
    { address: "c", kind: "household" },
    { address: "d", kind: "storage" },
  ];
  assert.deepEqual(
    community.parts(members, people, name).map(({ account, part }) => [account, part]),
    [
      ["b", "member"],
      ["c", "newcomer"],
      ["a", "left"],
    ],
  );
});

test("a record says what was not kept", () => {
  const record = (lapsed_windows, shortfall_wh, debt) =>
    community.recordOf({ windows: 168, lapsed_windows, shortfall_wh, debt }, "EUR");
  assert.equal(record(0, 0, 0), "Kept its word in all of the last 168 hours.");
  assert.equal(
    record(2, 1_300, 400_000),
    "Did not keep its word in 2 of the last 168 hours: " +
      "1.3 kWh that it had sold were missing, and \u20ac0.40 it could not pay at once.",
  );
  assert.match(record(1, 0, 10_000), /hours: \u20ac0\.01 it could not pay at once\.$/);
});

test("the bank is never more than wholly in circulation", () => {
  assert.equal(community.covered({ reserve: 400, supply: 100 }), 0.25);
  assert.equal(community.covered({ reserve: 0, supply: 0 }), 0);
  assert.equal(community.covered({ reserve: 0, supply: 5 }), 1);
  assert.equal(community.covered({ reserve: 10, supply: 15 }), 1);
});

test("bank accounts are checked by their check digits", () => {
  assert.deepEqual(community.ibanOf("de89 3704 0044 0532 0130 00"), {
    value: "DE89370400440532013000",
  });
  assert.deepEqual(community.ibanOf("GB82 WEST 1234 5698 7654 32"), {
    value: "GB82WEST12345698765432",
  });
  assert.match(community.ibanOf("DE89 3704 0044 0532 0130 01").problem, /slip/);
  assert.match(community.ibanOf("12345").problem, /type an IBAN/);
});

test("an audit says what came of it", () => {
  const correction = { exported_wh: 1_200, imported_wh: 0 };
  assert.match(community.auditOf({ state: "confirmed" }), /found it right/);
  assert.match(community.auditOf({ state: "lapsed" }), /nothing in time/);
  assert.equal(
    community.auditOf({ state: "corrected", correction }),
    "The auditors put it right: 1.2 kWh fed in, 0.0 kWh drawn.",
  );
});

test("what is shown of a day adds up to its change", () => {
  const row = {
    day: "2016-06-09",
    deposited: 500,
    withdrawn: 20,
    sold_wh: 7,
    earned: 90,
    bought_wh: 3,
    paid: 40,
    compensation_received: 5,
    compensation_paid: 2,
    penalties: 1,
    grid_sold_wh: 4,
    grid_earned: 30,
    grid_bought_wh: 9,
    grid_paid: 70,
    debts: 6,
    exported_wh: 11,
    imported_wh: 12,
    balance_change: 492,
  };
  const shown = days.COLUMNS.map((column) => column.money?.(row) ?? 0);
  assert.equal(
    shown.slice(1).reduce((sum, amount) => sum + amount, 0),
    shown[0],
  );
  assert.ok(days.eventful(row));
  const nothing = Object.fromEntries(Object.keys(row).map((key) => [key, 0]));
  assert.ok(!days.eventful({ ...nothing, day: row.day }));
  assert.equal(units.day(days.noonOf(row.day), "UTC"), "Thu 9 Jun");
});

test("lengths of time are told in the largest unit that fits", () => {
  assert.deepEqual([21_600, 3_600, 259_200, 90, 60, 1].map(units.duration), [
    "6 hours",
    "1 hour",
    "3 days",
    "90 seconds",
    "1 minute",
    "1 second",
  ]);
});
