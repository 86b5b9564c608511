// A book of the auction as two curves. Energy in kWh along the x axis, prices in cents upwards.

import { cents, kwh } from "./units.js";

/** Steps of one side as runs along the energy: `{from, to, price}`, in the order of the book. */
export function runs(steps) {
  let from_wh = 0;
  return steps.map((step) => {
    const to_wh = from_wh + step.energy_wh;
    const run = { from: kwh(from_wh), to: kwh(to_wh), price: cents(step.price) };
    from_wh = to_wh;
    return run;
  });
}

export const total = (steps) => steps.reduce((sum, step) => sum + step.energy_wh, 0);

/** Corners of a curve, from its first price to the end of its last run. */
export function corners(list) {
  return list.flatMap((run) => [
    [run.from, run.price],
    [run.to, run.price],
  ]);
}

/** Corners of the area between the demand and the supply up to `end`, where both are known. */
export function between(demand, supply, end) {
  const upTo = (list) =>
    list.filter((run) => run.from < end).map((run) => ({ ...run, to: Math.min(run.to, end) }));
  return [...corners(upTo(demand)), ...corners(upTo(supply)).reverse()];
}

const NICE = [1, 2, 2.5, 5, 10];

/** About `count` round values from 0 to `most`. */
export function ticks(most, count) {
  if (!(most > 0)) return [0];
  const rough = most / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = size * NICE.find((nice) => nice * size >= rough);
  const list = [];
  for (let i = 0; i * step <= most * 1.000001; i += 1) list.push(Number((i * step).toPrecision(6)));
  return list;
}

/** What the last pair of a book pays for a kWh, by the pricing rule. */
const LAST_PRICE = {
  midpoint: (outcome) => Math.floor((outcome.marginal_buy + outcome.marginal_sell) / 2),
  uniform: (outcome) => outcome.price,
  pay_as_bid: (outcome) => outcome.marginal_buy,
};

/** Where demand and supply meet: the energy, and the price of the last pair; null if nowhere. */
export function meeting(book) {
  const { outcome, rule } = book;
  if (!outcome || outcome.traded_wh === 0) return null;
  return {
    energy_wh: outcome.traded_wh,
    price: LAST_PRICE[rule](outcome),
  };
}
