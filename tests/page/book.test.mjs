// A book of the auction as curves.

import assert from "node:assert/strict";
import test from "node:test";

import * as book from "../../app/web/src/lib/book.js";

const step = (price, energy_wh) => ({ price, energy_wh, orders: 1 });
const BUYS = [step(300_000, 1000), step(150_000, 500)];
const SELLS = [step(100_000, 600), step(200_000, 700)];
const OUTCOME = {
  traded_wh: 1000,
  marginal_buy: 300_000,
  marginal_sell: 200_001,
  price: 220_000,
};

test("steps follow one another along the energy", () => {
  assert.deepEqual(book.runs(BUYS), [
    { from: 0, to: 1, price: 30 },
    { from: 1, to: 1.5, price: 15 },
  ]);
  assert.equal(book.total(BUYS), 1500);
  assert.deepEqual(book.corners(book.runs(SELLS)), [
    [0, 10],
    [0.6, 10],
    [0.6, 20],
    [1.3, 20],
  ]);
  assert.deepEqual(book.runs([]), []);
});

test("the gain lies between the curves, up to where they meet", () => {
  assert.deepEqual(book.between(book.runs(BUYS), book.runs(SELLS), 1), [
    [0, 30],
    [1, 30],
    [1, 20],
    [0.6, 20],
    [0.6, 10],
    [0, 10],
  ]);
});

test("the curves meet at the price of the last pair", () => {
  const met = (rule) => book.meeting({ outcome: OUTCOME, rule });
  assert.deepEqual(met("midpoint"), { energy_wh: 1000, price: 250_000 });
  assert.equal(met("uniform").price, 220_000);
  assert.equal(met("pay_as_bid").price, 300_000);
});

test("curves that do not meet have no such point", () => {
  assert.equal(book.meeting({ outcome: null, rule: "midpoint" }), null);
  assert.equal(book.meeting({ outcome: { ...OUTCOME, traded_wh: 0 }, rule: "midpoint" }), null);
});

test("an axis has round values from nothing to the most", () => {
  assert.deepEqual(book.ticks(6.4, 7), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(book.ticks(0.3, 3), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(book.ticks(32, 5), [0, 10, 20, 30]);
  assert.deepEqual(book.ticks(0, 5), [0]);
});
