// Private trading as long as somebody looks at it: what everybody sees, and what one opens of it.
// Keys are in this module and in the thread that computes; they are not kept, and not sent.

import { later } from "./later.js";
import { market, onEvent } from "./market.svelte.js";
import * as api from "./private-api.js";
import { createThread } from "./private-engine.js";
import { cameBack, detailsOf, pairsBy, withTrades } from "./private.js";

const READ_MS = 300;
const ROUNDS = 48;
const MOVEMENTS = 100;
/** So many notes are tried at a time, that progress shows and others have their turn. */
const SLICE = 16;

/** What anybody can see. */
class Street {
  ready = $state(false);
  problem = $state("");
  about = $state.raw(null);
  /** The latest rounds by their windows, the earliest first. */
  rounds = $state.raw([]);
  /** The window that was chosen; null follows the latest with offers. */
  chosen = $state(null);
  round = $state.raw(null);
  notes = $state.raw([]);
  images = $state.raw([]);
  movements = $state.raw([]);
}
export const street = new Street();

/** With whose keys one looks, and what they have opened. */
class Eyes {
  /** An account, "own" for keys that were typed in, or "" for nobody. */
  who = $state("");
  /** Which keys there are, by name: member, note_view, note_spend. */
  has = $state.raw({});
  /** The public halves of those that are secrets. */
  publics = $state.raw({});
  problem = $state("");
  /** Part of the notes that were tried, 0 to 1. */
  progress = $state(0);
  /** offer id -> {mine, said, opened}, as the members are told and as the household keeps it */
  offers = $state.raw(new Map());
  /** agreement id -> {side, cost} by the keys, {side, energy, price, cost, delivered, fits} by trades */
  agreements = $state.raw(new Map());
  /** number -> {number, amount, image}; null is what cannot be told */
  notes = $state.raw(new Map());
}
export const eyes = new Eyes();

const thread = createThread();
let keys = null;
let own = { offers: [], trades: [] };
/** The sales that were looked for in these agreements; the notes that were tried, and those found. */
let triedSales = new Set();
let triedNotes = 0;
let byKeys = new Map();
/** Counts who has looked, and how often everything was read anew. */
let turn = 0;
let era = 0;

// ------------------------------------------------------------ what all see

const byWindow = (a, b) => a.window - b.window;

export const shownWindow = () =>
  street.chosen ??
  street.rounds.findLast((each) => each.offers > 0)?.window ??
  street.rounds.at(-1)?.window ??
  null;

async function readRound() {
  const window = shownWindow();
  const found = window === null ? null : await api.round(window);
  if (window === shownWindow()) street.round = found;
}

const READ = {
  async about() {
    street.about = await api.about();
  },
  async rounds() {
    street.rounds = (await api.rounds(ROUNDS)).sort(byWindow);
    await readRound();
  },
  async money() {
    const before = era;
    const [notes, images, movements] = await Promise.all([
      api.notesFrom(street.notes.length),
      api.imagesFrom(street.images.length),
      api.movements(MOVEMENTS),
    ]);
    if (before !== era) return;
    if (notes.length) street.notes = [...street.notes, ...notes];
    if (images.length) street.images = [...street.images, ...images];
    street.movements = movements;
  },
  async own() {
    if (eyes.who === "" || eyes.who === "own") return;
    const before = turn;
    const found = await api.household(eyes.who);
    if (before === turn) own = found;
  },
};

const ABOUT = {
  private_key: ["about"],
  private_auditor: ["about"],
  private_round: ["about", "rounds"],
  private_offer: ["about", "rounds", "own"],
  private_agreement: ["about", "rounds", "own"],
  private_end: ["about", "rounds", "own"],
  note: ["about", "money"],
  note_image: ["about", "money"],
  pool_movement: ["about", "money"],
};

/** After these nothing that was read is sure. */
const ANEW = ["reorganised", "reset"];

let due = new Set();

const read = later(
  READ_MS,
  async () => {
    const parts = due;
    due = new Set();
    await Promise.all([...parts].map((part) => READ[part]()));
    street.ready = true;
    street.problem = "";
    open();
  },
  (problem) => (street.problem = problem.message),
);

function refresh(...parts) {
  for (const part of parts) due.add(part);
  read();
}

/** Reads all anew: what was read before may no longer be so. */
function readAll() {
  era += 1;
  [street.notes, street.images] = [[], []];
  [triedNotes, byKeys, triedSales] = [0, new Map(), new Set()];
  Object.assign(eyes, { offers: new Map(), agreements: new Map(), notes: new Map() });
  refresh(...Object.keys(READ));
}

/** Shows the round of a window; null follows the latest one. */
export function show(window) {
  street.chosen = window;
  readRound().then(open, (problem) => (street.problem = problem.message));
}

/** Follows private trading until the returned function is called. */
export function watch() {
  const stopEffects = $effect.root(() => {
    $effect(() => {
      if (market.connection === "live") readAll();
    });
  });
  const stopEvents = onEvent((kind) => {
    if (kind in ABOUT) refresh(...ABOUT[kind]);
    if (ANEW.includes(kind)) readAll();
  });
  return () => {
    stopEvents();
    stopEffects();
    lookAs("");
  };
}

// -------------------------------------------------------------- what one opens

function begin(who) {
  turn += 1;
  thread.end();
  keys = null;
  own = { offers: [], trades: [] };
  [triedNotes, byKeys, triedSales] = [0, new Map(), new Set()];
  Object.assign(eyes, {
    who,
    has: {},
    publics: {},
    problem: "",
    progress: 0,
    offers: new Map(),
    agreements: new Map(),
    notes: new Map(),
  });
}

async function use(found, known) {
  const before = turn;
  const publics = await thread.compute("publicKeys", { keys: secretsOf(found) });
  if (before !== turn) return;
  [keys, own] = [found, known];
  eyes.has = Object.fromEntries(Object.keys(found).map((name) => [name, true]));
  eyes.publics = publics;
  open();
}

/** The spend key may be given by its public half alone: then there is nothing to compute of it. */
const secretsOf = (found) =>
  Object.fromEntries(Object.entries(found).filter(([, key]) => typeof key === "string"));

/** Looks with the keys of a household of the demonstration; "" with nobody's. */
export async function lookAs(account) {
  begin(account);
  if (account === "") return;
  const before = turn;
  try {
    const found = await api.household(account);
    if (before === turn) await use(found.keys, found);
  } catch (problem) {
    if (before === turn) eyes.problem = problem.message;
  }
}

/**
 * Looks with keys that somebody has typed in; Refused where they are none.
 * @param {{member?: string, note_view?: string, note_spend?: string | object}} given
 * @param {{offers: object[], trades: object[]}} known
 */
export async function lookWith(given, known) {
  begin("own");
  try {
    await use(given, known);
  } catch (problem) {
    begin("");
    throw problem;
  }
}

const open = later(
  0,
  async () => {
    const before = turn;
    if (!keys) return;
    try {
      await openRound(before);
      await openNotes(before);
    } catch (problem) {
      if (before === turn) eyes.problem = problem.message;
    }
  },
  (problem) => (eyes.problem = problem.message),
);

async function openRound(before) {
  const { about, round } = street;
  if (!round) return;
  const { window, ring } = round;
  if (keys.member) {
    const offers = round.offers.filter((offer) => !eyes.offers.has(offer.offer_id));
    const asked = { chain_id: about.chain_id, market: about.market, window, ring, offers };
    const found = await thread.compute("readOffers", { ...asked, member: keys.member });
    if (before !== turn) return;
    const entry = ({ offer_id, mine, details }) => [
      offer_id,
      { mine, said: detailsOf(details), opened: null },
    ];
    eyes.offers = new Map([...eyes.offers, ...found.map(entry)]);
  }
  if (keys.note_view && keys.note_spend) {
    const agreements = round.agreements.filter((each) => !triedSales.has(each.agreement_id));
    const { note_view, note_spend } = keys;
    const found = await thread.compute("readSales", { agreements, note_view, note_spend });
    if (before !== turn) return;
    agreements.forEach((each) => triedSales.add(each.agreement_id));
    const entry = ({ agreement_id, cost }) => [agreement_id, { side: "sold", cost }];
    eyes.agreements = new Map([...eyes.agreements, ...found.map(entry)]);
  }
  await checkOwn(before, round);
}

/** What the household itself keeps of offers and trades, each held against what the chain has. */
async function checkOwn(before, round) {
  const offers = pairsBy("offer_id", round.offers, own.offers);
  const trades = pairsBy("agreement_id", round.agreements, own.trades);
  const claims = [
    ...offers.flatMap(([all, mine]) => claimsOf(all, mine, ["energy", "floor_price"])),
    ...trades.flatMap(([all, mine]) => claimsOf(all, mine, ["energy", "price", "cost"])),
  ];
  const checked = await thread.compute("checkOpenings", { claims });
  if (before !== turn) return;
  const next = (count) => checked.splice(0, count).every(Boolean);
  const offer = ([{ offer_id }, { energy, floor_price }]) => [
    offer_id,
    {
      mine: true,
      said: eyes.offers.get(offer_id)?.said ?? null,
      opened: { energy: energy.value, price: floor_price.value, fits: next(2) },
    },
  ];
  const trade = ([{ agreement_id }, { side, energy, price, cost, delivered_wh }]) => [
    agreement_id,
    {
      side,
      energy: energy.value,
      price: price.value,
      cost: cost.value,
      delivered: delivered_wh,
      fits: next(3),
    },
  ];
  eyes.offers = new Map([...eyes.offers, ...offers.map(offer)]);
  eyes.agreements = new Map([...eyes.agreements, ...trades.map(trade)]);
}

const claimsOf = (all, mine, names) =>
  names.map((name) => ({ commitment: all[name], opening: mine[name] }));

async function openNotes(before) {
  const { note_view, note_spend } = keys;
  if (!note_view || !note_spend) return;
  const begun = era;
  const over = () => before !== turn || begun !== era;
  while (triedNotes < street.notes.length) {
    const notes = street.notes.slice(triedNotes, triedNotes + SLICE);
    const found = await thread.compute("readNotes", { notes, note_view, note_spend });
    if (over()) return;
    triedNotes += notes.length;
    eyes.progress = triedNotes / street.notes.length;
    found.forEach((note) => byKeys.set(note.number, note));
    if (found.length) eyes.notes = new Map(byKeys);
  }
  eyes.progress = 1;
  const openings = own.trades.filter(cameBack).map((trade) => trade.cost);
  const commitments = await thread.compute("commitments", { openings });
  if (!over()) eyes.notes = withTrades(byKeys, street.notes, own.trades, commitments);
}
