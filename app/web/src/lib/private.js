// What is to be said of private trading: numbers of offers, states, and whose note is what.

import { costDown } from "./units.js";

/** An offer's id is its window and, in the lower 32 bits, its number in it. */
const NUMBER_BITS = 32;

/** 1 for the first offer of its window. */
export const numberIn = (offerId) => Number(BigInt.asUintN(NUMBER_BITS, BigInt(offerId))) + 1;

/** What became of an agreement, as all see it. */
export function stateOf({ state, in_full }) {
  if (state !== "settled") return state;
  return in_full ? "settled" : "partly";
}

export const STATES = {
  open: "Waiting for its hour",
  settled: "Settled in full",
  partly: "Settled for a part",
  cancelled: "Nothing was delivered",
};

/** What the details of an offer say to the members; null where they say nothing of the kind. */
export function detailsOf(hex) {
  const match = /^0x([0-9a-f]{8})([0-9a-f]{8})/.exec(hex ?? "");
  return match && { energy: Number.parseInt(match[1], 16), price: Number.parseInt(match[2], 16) };
}

/** What stands in both lists under a key, in pairs. */
export function pairsBy(key, all, own) {
  const known = new Map(own.map((each) => [each[key], each]));
  return all.filter((each) => known.has(each[key])).map((each) => [each, known.get(each[key])]);
}

/** Whether a note came back that no message tells of. */
export const cameBack = (trade) => trade.side === "bought" && trade.state === "cancelled";

/**
 * Notes with what the household's own trades tell of them and the chain alone does not: what a part
 * was paid with, and what came back.
 * @param {Map<number, object>} found by number, from the keys alone
 * @param {object[]} notes all there are
 * @param {object[]} trades the household's own
 * @param {{x: string}[]} commitments of the costs of those of them that `cameBack`
 */
export function withTrades(found, notes, trades, commitments) {
  const told = new Map(found);
  const byBlinding = new Map(trades.map((trade) => [trade.cost.blinding, trade]));
  for (const note of found.values()) {
    const trade = byBlinding.get(note.blinding);
    if (note.amount !== null || !trade || trade.delivered_wh === null) continue;
    told.set(note.number, { ...note, amount: costDown(trade.delivered_wh, trade.price.value) });
  }
  const back = trades.filter(cameBack);
  const amounts = new Map(commitments.map(({ x }, i) => [x, back[i].cost.value]));
  for (const { number, commitment } of notes) {
    const amount = amounts.get(commitment.x);
    if (amount !== undefined) told.set(number, { number, amount, image: null });
  }
  return told;
}

/** Movements of money, the newest first; equal ones of one moment together, with their `count`. */
export function grouped(movements) {
  const groups = new Map();
  for (const each of movements) {
    const key = [each.at, each.account, each.kind, each.amount].join(" ");
    const group = groups.get(key) ?? { ...each, key, count: 0 };
    groups.set(key, { ...group, count: group.count + 1 });
  }
  return [...groups.values()];
}

/**
 * A purse by its notes: `spendable` money; `open` of its notes can be spent, `gone` are spent, and of
 * `unsure` it cannot be told without the spend key.
 * @param {Map<number, {amount: number | null, image: string | null}>} notes
 * @param {{x: string}[]} images that spends have left
 */
export function purseOf(notes, images) {
  const spent = new Set(images.map((each) => each.x));
  const all = [...notes.values()].map((note) => ({
    ...note,
    standing: note.image === null ? "unsure" : spent.has(note.image) ? "gone" : "open",
  }));
  const count = (standing) => all.filter((note) => note.standing === standing).length;
  return {
    notes: all,
    open: count("open"),
    gone: count("gone"),
    unsure: count("unsure"),
    spendable: all.reduce(
      (sum, note) => sum + (note.standing === "open" ? (note.amount ?? 0) : 0),
      0,
    ),
    received: all.reduce((sum, note) => sum + (note.amount ?? 0), 0),
  };
}

/** Energy is below 2^24 Wh (docs/privacy.md), a price not above the band's ceiling. */
const ENERGY_LIMIT = 2 ** 24;

/** What auditors open of an offer or an agreement: its energy, then its price. */
export const handlesOf = (record, band) => [
  { commitment: record.energy, handle: record.energy_handle, limit: ENERGY_LIMIT },
  {
    commitment: record.price ?? record.floor_price,
    handle: record.price_handle,
    limit: band.ceiling + 1,
  },
];

// ------------------------------------------------------------------- typed keys

const KEY = /^(?:0x)?([0-9a-f]{64})$/i;
const PUBLIC = /^(?:0x)?([0-9a-f]{64})\s*(?:0x)?([0-9a-f]{64})$/i;

/** A typed secret in digits as the thread takes them, or what is wrong with it. */
export function parseKey(text) {
  const match = KEY.exec(text.trim());
  return match
    ? { value: `0x${match[1].toLowerCase()}` }
    : { problem: "A key has 64 hexadecimal digits." };
}

/** The same, or the two halves of a public key. */
export function parseSpendKey(text) {
  const match = PUBLIC.exec(text.trim());
  return match ? { value: { x: `0x${match[1]}`, y: `0x${match[2]}` } } : parseKey(text);
}

/** What a household keeps of its trades, as the gateway writes it; nothing typed is nothing kept. */
export function parseKept(text) {
  if (text.trim() === "") return { value: { offers: [], trades: [] } };
  try {
    const { offers, trades } = JSON.parse(text);
    const opened = (names) => (each) =>
      names.every((name) => Number.isSafeInteger(each[name].value) && each[name].blinding);
    const known = (list, names) => list === undefined || list.every(opened(names));
    const some = offers !== undefined || trades !== undefined;
    if (
      some &&
      known(offers, ["energy", "floor_price"]) &&
      known(trades, ["energy", "price", "cost"])
    ) {
      return { value: { offers: offers ?? [], trades: trades ?? [] } };
    }
  } catch {
    // told below, as everything else that is not what it should be
  }
  return { problem: "This is not a list of offers and trades in JSON." };
}

/** What several auditors have contributed: `{committee, context, partials}` of one handle each. */
export function parsePartials(text) {
  try {
    const { committee, context, partials } = JSON.parse(text);
    if (Array.isArray(committee?.coefficients) && Array.isArray(partials)) {
      return { value: { committee, context, partials } };
    }
  } catch {
    // told below
  }
  return { problem: "This is not what auditors contribute, in JSON." };
}
