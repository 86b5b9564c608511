// What the page knows of the market: a snapshot by REST, then live events on top of it.

import { SvelteMap } from "svelte/reactivity";

import * as api from "./api.js";
import { later } from "./later.js";

/** Hours that the day ring, the charts and the lists look back on, and that the form looks ahead. */
export const HISTORY = 48;
export const AHEAD = 12;

const TICK_MS = 250;
const RETRY_MS = 2000;
const WINDOWS_MS = 500;
const BALANCES_MS = 1500;
const BOOKS_MS = 400;
/** A clock that is ahead by less than this waits for the market instead of jumping back. */
const HOLD_SECONDS = 900;

export const market = $state({
  ready: false,
  /** "connecting", "live" or "lost" */
  connection: "connecting",
  problem: "",
  currency: "EUR",
  zone: "UTC",
  scenario: "",
  chainId: 0,
  /** The account that buys and sells for the grid. */
  treasury: "",
  windowLength: 3600,
  commitMargin: 300,
  /** Market seconds in a second; null is real time. */
  speed: null,
  running: true,
  agents: true,
  /** Whether there is an auction beside the negotiations. */
  auction: false,
  /** Whether the street has members, who decide. */
  members: false,
  /** Whether one can trade in private. */
  private: false,
  /** Grows whenever books have changed. */
  auctionTurn: 0,
  now: 0,
  summary: null,
  /** The window that the visitor looks at; null follows the market. */
  chosen: null,
});

/** window -> its figures */
export const windows = new SvelteMap();
/** id -> offer */
export const offers = new SvelteMap();
/** id -> agreement */
export const agreements = new SvelteMap();
/** address -> participant with its balance */
export const participants = new SvelteMap();
/** window -> messages in their order */
export const messages = new SvelteMap();

const loaded = new Set();
const listeners = new Set();
let anchor = { now: 0, at: 0 };
/** Events that come while a snapshot is under way; null when none is. */
let waiting = null;

// ------------------------------------------------------------------ clock

export const deliveringWindow = () => Math.floor(market.now / market.windowLength);
export const tradingWindow = () => deliveringWindow() + 1;
export const shownWindow = () => market.chosen ?? tradingWindow();
export const startOf = (window) => window * market.windowLength;
export const endOf = (window) => (window + 1) * market.windowLength;
export const commitStart = (window) => startOf(window) - market.commitMargin;

/** trading, commit, delivery, settlement or settled */
export function phaseOf(window) {
  if (market.now < commitStart(window)) return "trading";
  if (market.now < startOf(window)) return "commit";
  if (market.now < endOf(window)) return "delivery";
  return windows.get(window)?.closed ? "settled" : "settlement";
}

/** Market time right now, between the gateway's clock events. */
export function preciseNow() {
  if (!market.running) return anchor.now;
  return anchor.now + ((performance.now() - anchor.at) / 1000) * (market.speed ?? 1);
}

function setClock({ now, speed, running }) {
  const shown = anchor.at ? preciseNow() : now;
  const ahead = shown - now;
  const before = tradingWindow();
  anchor = { now: ahead > 0 && ahead < HOLD_SECONDS ? shown : now, at: performance.now() };
  market.speed = speed;
  market.running = running;
  market.now = anchor.now;
  if (market.ready && tradingWindow() !== before) touch(before, tradingWindow() + AHEAD);
}

// --------------------------------------------------------------- snapshot

async function loadWindow(window) {
  const traded = await api.traded(window);
  for (const offer of traded.offers) offers.set(offer.id, offer);
  for (const agreement of traded.agreements) agreements.set(agreement.id, agreement);
  messages.set(window, traded.messages);
  loaded.add(window);
}

function figure(row) {
  const known = row.grid_ceiling !== null && row.grid_floor !== null;
  windows.set(row.window, {
    ...row,
    unknown: !known && row.offers === 0 && row.orders === 0 && row.readings === 0,
    closed: participants.size > 0 && row.positions >= participants.size,
  });
}

async function loadPeople() {
  const [people, balances] = await Promise.all([api.participants(), api.balances()]);
  const money = new Map(balances.map((balance) => [balance.participant, balance]));
  for (const person of people) {
    participants.set(person.participant, {
      free: 0,
      locked: 0,
      debt: 0,
      claim: 0,
      energy_tokens_wh: 0,
      ...person,
      ...money.get(person.participant),
      address: person.participant,
    });
  }
}

async function loadAll() {
  const about = await api.market();
  market.currency = about.currency;
  market.zone = about.time_zone;
  market.scenario = about.scenario;
  market.chainId = about.chain_id;
  market.treasury = about.treasury;
  market.windowLength = about.window_length;
  market.commitMargin = about.commit_margin;
  market.agents = about.agents;
  market.auction = "CallAuction" in about.contracts;
  market.members = "Consortium" in about.contracts;
  market.private = "PrivateMarket" in about.contracts;
  anchor = { now: 0, at: 0 };
  setClock(about.clock);

  for (const map of [windows, offers, agreements, messages, participants]) map.clear();
  loaded.clear();
  const trading = tradingWindow();
  const near = new Set([trading, trading - 1, trading - 2, shownWindow()]);
  const [rows, summary] = await Promise.all([
    api.windows(trading - HISTORY + 1, trading + AHEAD),
    api.summary(),
    loadPeople(),
    ...[...near].map(loadWindow),
  ]);
  rows.forEach(figure);
  market.summary = summary;
  market.auctionTurn += 1;
  market.ready = true;
  market.problem = "";
}

/** Shows a window; null follows the market. */
export function choose(window) {
  market.chosen = window;
  if (window !== null && !loaded.has(window)) loadWindow(window).catch(complain);
}

function complain(problem) {
  market.problem = problem.message;
}

// ------------------------------------------------------- what must be read again

let dirty = null;

const readWindows = later(
  WINDOWS_MS,
  async () => {
    const [first, last] = dirty;
    dirty = null;
    const [rows, summary] = await Promise.all([api.windows(first, last), api.summary()]);
    rows.forEach(figure);
    market.summary = summary;
    forget();
  },
  complain,
);

const readBalances = later(BALANCES_MS, loadPeople, complain);

const turnBooks = later(BOOKS_MS, async () => (market.auctionTurn += 1), complain);

/** Has the figures of windows read again. */
function touch(first, last = first) {
  const oldest = tradingWindow() - HISTORY;
  dirty = dirty
    ? [Math.max(oldest, Math.min(dirty[0], first)), Math.max(dirty[1], last)]
    : [Math.max(oldest, first), last];
  readWindows();
}

/** Drops what lies too far back, so that a page left open for days stays small. */
function forget() {
  const oldest = tradingWindow() - HISTORY;
  const stale = (window) => window < oldest && window !== market.chosen;
  for (const window of windows.keys()) if (stale(window)) windows.delete(window);
  for (const window of messages.keys()) if (stale(window)) messages.delete(window);
  for (const window of loaded) if (stale(window)) loaded.delete(window);
  for (const [id, offer] of offers) if (stale(offer.window)) offers.delete(id);
  for (const [id, agreement] of agreements) if (stale(agreement.window)) agreements.delete(id);
}

// ----------------------------------------------------------------- events

/** Calls `heard(kind, record)` on every event; returns how to stop. */
export function onEvent(heard) {
  listeners.add(heard);
  return () => listeners.delete(heard);
}

const apply = {
  clock: setClock,
  offer(offer) {
    if (!offers.has(offer.id)) offers.set(offer.id, offer);
    touch(offer.window);
  },
  cancellation(gone) {
    const offer = offers.get(gone.offer_id);
    if (offer) offers.set(offer.id, { ...offer, cancelled: true });
    touch(gone.window);
  },
  agreement(agreement) {
    if (!agreements.has(agreement.id)) {
      agreements.set(agreement.id, agreement);
      const offer = offers.get(agreement.offer_id);
      if (offer) {
        offers.set(offer.id, { ...offer, agreed_wh: offer.agreed_wh + agreement.energy_wh });
      }
    }
    touch(agreement.window);
    readBalances();
  },
  order(order) {
    turnBooks();
    touch(order.window);
    readBalances();
  },
  order_end() {
    turnBooks();
    readBalances();
  },
  clearing: turnBooks,
  pricing_rule: turnBooks,
  settlement(settlement) {
    const agreement = agreements.get(settlement.agreement_id);
    if (agreement) {
      agreements.set(agreement.id, { ...agreement, settlement });
      touch(agreement.window);
    }
    readBalances();
  },
  position(position) {
    touch(position.window);
    readBalances();
  },
  movement: readBalances,
  mint: readBalances,
  withdrawal_request: readBalances,
  withdrawal_end: readBalances,
  correction: readBalances,
  participant: readBalances,
  terms: () => touch(tradingWindow(), tradingWindow() + AHEAD),
  message(message) {
    const said = messages.get(message.window) ?? [];
    if (said.some((other) => other.id === message.id)) return;
    messages.set(message.window, [...said, message]);
  },
};

function hear(kind, record) {
  if (waiting) {
    waiting.push([kind, record]);
    return;
  }
  apply[kind]?.(record);
  for (const heard of listeners) heard(kind, record);
}

/** Connects to the gateway; returns how to stop. */
export function start() {
  let retry;
  const load = async () => {
    clearTimeout(retry);
    waiting = [];
    try {
      await loadAll();
      const missed = waiting;
      waiting = null;
      for (const [kind, record] of missed) hear(kind, record);
    } catch (problem) {
      complain(problem);
      retry = setTimeout(load, RETRY_MS);
    }
  };
  // What these say can't be put right by adding to what is there.
  apply.reorganised = load;
  apply.reset = load;
  const stop = api.listen(hear, (live) => {
    const before = market.connection;
    market.connection = live ? "live" : "lost";
    if (live && before !== "live") load();
  });
  const tick = setInterval(() => {
    if (anchor.at && market.connection !== "lost") market.now = preciseNow();
  }, TICK_MS);
  return () => {
    stop();
    clearInterval(tick);
    clearTimeout(retry);
  };
}

// ------------------------------------------------------------ derivations

/** The offers of a window in the order of their making. */
export function offersIn(window) {
  return [...offers.values()].filter((o) => o.window === window).sort((a, b) => a.id - b.id);
}

export function agreementsIn(window) {
  return [...agreements.values()].filter((a) => a.window === window);
}

/** A participant by address or household. */
export function personOf(account) {
  const direct = participants.get(account);
  if (direct) return direct;
  for (const person of participants.values()) {
    if (person.household === account) return person;
  }
  return undefined;
}

/** A participant's name: its household, or a short address; who stands for the grid has one, too. */
export function nameOf(account) {
  if (account === market.treasury) return "The operator";
  const name = personOf(account)?.household ?? String(account);
  return name.startsWith("0x") ? `${name.slice(0, 6)}\u2026${name.slice(-4)}` : name;
}

/** Households by name, `H2` before `H10`, then batteries that stand for themselves. */
export function peopleByName() {
  return [...participants.values()].sort(
    (a, b) =>
      (a.kind === "storage") - (b.kind === "storage") ||
      nameOf(a.address).localeCompare(nameOf(b.address), "en", { numeric: true }),
  );
}
