// The page's only arithmetic: integers of the gateway to words, and typed text to integers.

import assert from "node:assert/strict";
import test from "node:test";

import * as units from "../../app/web/src/lib/units.js";

test("energy is told in kWh, small ones to the Wh, large ones in MWh", () => {
  assert.equal(units.energy(3200), "3.2 kWh");
  assert.equal(units.energy(42), "0.042 kWh");
  assert.equal(units.energy(0), "0.0 kWh");
  assert.equal(units.energy(1_234_000), "1.23 MWh");
  assert.equal(units.energy(-1500), "\u22121.5 kWh");
});

test("money has two decimals, or all that it has", () => {
  assert.equal(units.money(12_345_678, "EUR"), "€12.35");
  assert.equal(units.money(12_345_678, "EUR", { exact: true }), "€12.345678");
  assert.equal(units.money(500_000, "EUR", { plus: true }), "+€0.50");
  assert.equal(units.money(-500_000, "EUR"), "\u2212€0.50");
});

test("a price is told in cents", () => {
  assert.equal(units.price(287_000), "28.7 ct");
});

test("typed numbers become exact integers", () => {
  assert.deepEqual(units.parseDecimal("2.5", 3), { value: 2500 });
  assert.deepEqual(units.parseDecimal(" 0,001 ", 3), { value: 1 });
  assert.deepEqual(units.parseDecimal("18.2501", 4), { value: 182_501 });
  // 0.1 + 0.2 is no sum here: 1.005 * 1000 would be 1004.9999999999999
  assert.deepEqual(units.parseDecimal("1.005", 3), { value: 1005 });
});

test("what is no number, or too fine, is refused", () => {
  for (const text of ["", "x", "1.2.3", "-1", "1e3", "1 000", "0x10", "1234567890"]) {
    assert.ok(units.parseDecimal(text, 3).problem, text);
  }
  assert.match(units.parseDecimal("1.0001", 3).problem, /3 digits/);
});

test("money for energy is rounded as the contracts round it", () => {
  assert.equal(units.costUp(1, 1), 1);
  assert.equal(units.costDown(1, 1), 0);
  assert.equal(units.costUp(2000, 300_000), 600_000);
  assert.equal(units.costUp(4_294_967_295, 1_000_000), 4_294_967_295_000);
});

test("times are the market's own", () => {
  const noon = Date.UTC(2016, 5, 9, 10) / 1000;
  assert.equal(units.timeOfDay(noon, "Europe/Berlin"), "12:00");
  assert.equal(units.hourOfDay(noon, "Europe/Berlin"), 12);
  assert.equal(units.span(noon, noon + 3600, "UTC"), "10:00\u201311:00");
  assert.equal(units.longDay(noon, "UTC"), "Thursday 9 June 2016");
});

test("a countdown never goes below nothing", () => {
  assert.equal(units.countdown(299.2), "05:00");
  assert.equal(units.countdown(-3), "00:00");
  assert.equal(units.countdown(3900), "1 h 05");
});

test("the pace is told in what a visitor waits", () => {
  assert.equal(units.pace(360), "an hour passes in 10 s");
  assert.equal(units.pace(30), "an hour passes in 2 min");
  assert.equal(units.pace(1), "in real time");
  assert.equal(units.pace(7200), "2 hours pass in a second");
});
