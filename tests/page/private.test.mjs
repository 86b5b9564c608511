// What the page says of private trading, without cryptography.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as own from "../../app/web/src/lib/private.js";

const WORD = "ab".repeat(32);

test("an offer has its number within its window", () => {
  assert.equal(own.numberIn(489_926 * 2 ** 32), 1);
  assert.equal(own.numberIn(489_926 * 2 ** 32 + 41), 42);
});

test("an agreement is settled in full or in part", () => {
  assert.equal(own.stateOf({ state: "open", in_full: null }), "open");
  assert.equal(own.stateOf({ state: "settled", in_full: true }), "settled");
  assert.equal(own.stateOf({ state: "settled", in_full: false }), "partly");
  assert.equal(own.stateOf({ state: "cancelled", in_full: null }), "cancelled");
  for (const state of ["open", "settled", "partly", "cancelled"]) assert.ok(own.STATES[state]);
});

test("details are an energy, a price, and what is no business of the page", () => {
  const found = { energy: 5000, price: 100_000 };
  assert.deepEqual(own.detailsOf("0x00001388000186a0"), found);
  assert.deepEqual(own.detailsOf("0x00001388000186a0746370"), found);
  for (const other of [null, "0x", "0x00001388000186"]) assert.equal(own.detailsOf(other), null);
});

test("what stands in both lists is paired", () => {
  const all = [{ id: 1 }, { id: 2 }, { id: 3 }];
  assert.deepEqual(own.pairsBy("id", all, [{ id: 3, a: 1 }, { id: 9 }, { id: 1 }]), [
    [{ id: 1 }, { id: 1 }],
    [{ id: 3 }, { id: 3, a: 1 }],
  ]);
});

const trade = {
  side: "sold",
  state: "partly",
  energy: { value: 2001 },
  price: { value: 200_001 },
  cost: { value: 400_203, blinding: "0x05" },
  delivered_wh: 1234,
};

test("a trade tells what a part of it was paid with", () => {
  const part = { number: 3, amount: null, blinding: "0x05", image: "0x01" };
  const found = new Map([[3, part]]);
  assert.equal(own.withTrades(found, [], [trade], []).get(3).amount, 246_801);
  const other = { ...trade, cost: { value: 1, blinding: "0x06" } };
  for (const told of [[], [other], [{ ...trade, delivered_wh: null }]]) {
    assert.equal(own.withTrades(found, [], told, []).get(3).amount, null);
  }
  assert.equal(part.amount, null);
});

test("a trade tells what amount a note has opened itself only if it has not", () => {
  const found = new Map([[3, { number: 3, amount: 7, blinding: "0x05", image: "0x01" }]]);
  assert.equal(own.withTrades(found, [], [trade], []).get(3).amount, 7);
});

test("what came back is known by its commitment", () => {
  const cancelled = { ...trade, side: "bought", state: "cancelled", delivered_wh: 0 };
  const notes = [
    { number: 0, commitment: { x: "0x07" } },
    { number: 1, commitment: { x: "0x08" } },
  ];
  const told = own.withTrades(new Map(), notes, [trade, cancelled], [{ x: "0x08" }]);
  assert.deepEqual([...told], [[1, { number: 1, amount: 400_203, image: null }]]);
});

test("a purse is what can be spent", () => {
  const notes = new Map(
    [
      { number: 0, amount: 5, image: "0x01" },
      { number: 1, amount: 7, image: "0x02" },
      { number: 2, amount: null, image: "0x03" },
      { number: 3, amount: 11, image: null },
    ].map((note) => [note.number, note]),
  );
  const purse = own.purseOf(notes, [{ x: "0x02" }, { x: "0x09" }]);
  assert.deepEqual(
    purse.notes.map((note) => note.standing),
    ["open", "gone", "open", "unsure"],
  );
  assert.deepEqual([purse.open, purse.gone, purse.unsure, purse.spendable], [2, 1, 1, 5]);
});

test("equal movements of one moment are told together", () => {
  const brought = { at: 5, account: "0xa", kind: "deposit", amount: 25 };
  const others = [
    { ...brought, account: "0xb" },
    { ...brought, kind: "withdrawal" },
    { ...brought, amount: 26 },
    { ...brought, at: 6 },
  ];
  const told = own.grouped([brought, ...others, brought]);
  assert.deepEqual(
    told.map((each) => each.count),
    [2, 1, 1, 1, 1],
  );
  assert.deepEqual([told[0].account, told[0].amount], ["0xa", 25]);
  assert.equal(new Set(told.map((each) => each.key)).size, 5);
});

test("auditors search energies to 2^24 Wh and prices to the ceiling", () => {
  const offer = { energy: 1, energy_handle: 2, floor_price: 3, price_handle: 4 };
  const band = { floor: 80_000, ceiling: 320_000 };
  assert.deepEqual(own.handlesOf(offer, band), [
    { commitment: 1, handle: 2, limit: 16_777_216 },
    { commitment: 3, handle: 4, limit: 320_001 },
  ]);
  assert.equal(own.handlesOf({ ...offer, price: 5 }, band)[1].commitment, 5);
});

test("keys are typed with and without 0x, and nothing else is a key", () => {
  for (const text of [WORD, `0x${WORD}`, ` ${WORD.toUpperCase()}\n`]) {
    assert.deepEqual(own.parseKey(text), { value: `0x${WORD}` });
  }
  for (const text of ["", "0x", WORD.slice(1), `${WORD}0`, `0x${WORD} ${WORD}`, "z".repeat(64)]) {
    assert.ok(own.parseKey(text).problem);
  }
});

test("a spend key may be its public half", () => {
  assert.deepEqual(own.parseSpendKey(`0x${WORD} 0x${WORD}`).value, {
    x: `0x${WORD}`,
    y: `0x${WORD}`,
  });
  assert.deepEqual(own.parseSpendKey(WORD + WORD).value.y, `0x${WORD}`);
  assert.deepEqual(own.parseSpendKey(WORD), { value: `0x${WORD}` });
  assert.ok(own.parseSpendKey(`${WORD} ${WORD} ${WORD}`).problem);
});

test("what is kept of trades is JSON with openings, or nothing", () => {
  assert.deepEqual(own.parseKept(" ").value, { offers: [], trades: [] });
  const opening = { value: 1, blinding: "0x05" };
  const offers = [{ energy: opening, floor_price: opening }];
  const trades = [{ energy: opening, price: opening, cost: opening }];
  assert.deepEqual(own.parseKept(JSON.stringify({ offers })).value, { offers, trades: [] });
  assert.deepEqual(own.parseKept(JSON.stringify({ trades })).value, { offers: [], trades });
  const wrong = ["{", "[1]", "7", "null", "{}", '{"offers":[{}]}', '{"offers":[null]}'];
  const half = [{ ...trades[0], cost: { value: 1 } }];
  for (const text of [...wrong, '{"offers":7}', JSON.stringify({ offers, trades: half })]) {
    assert.ok(own.parseKept(text).problem, text);
  }
});

test("contributions of auditors are JSON with a committee", () => {
  const said = { committee: { coefficients: [] }, context: "0x", partials: [] };
  assert.deepEqual(own.parsePartials(JSON.stringify(said)), { value: said });
  for (const text of ["", "{}", "null", "[]", '{"committee":{},"partials":[]}']) {
    assert.ok(own.parsePartials(text).problem, text);
  }
});
