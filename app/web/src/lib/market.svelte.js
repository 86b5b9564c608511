// What the page knows of the market: one snapshot by REST, then live events on top of it.

import { SvelteMap } from "svelte/reactivity";

import * as api from "./api.js";

/** Hours that the day ring, the charts and the lists look back on. */
export const HISTORY = 48;
const RECENT_TRANSACTIONS = 60;
const TICK_MS = 250;
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
  windowLength: 3600,
  commitMargin: 300,
  speed: 1,
  running: true,
  negotiation: true,
  now: 0,
  totals: null,
  /** The window that the visitor looks at; null follows the market. */
  chosen: null,
});

/** window -> row, id -> offer, id -> agreement, address -> participant */
export const windows = new SvelteMap();
export const offers = new SvelteMap();
export const agreements = new SvelteMap();
export const participants = new SvelteMap();
/** window -> messages in their order */
export const messages = new SvelteMap();
/** newest first */
export const recent = $state({ transactions: [] });

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
  const passed = ((performance.now() - anchor.at) / 1000) * (market.speed ?? 1);
  return anchor.now + passed;
}

function setClock({ now, speed, running }) {
  const shown = anchor.at ? preciseNow() : now;
  const ahead = shown - now;
  anchor = { now: ahead > 0 && ahead < HOLD_SECONDS ? shown : now, at: performance.now() };
  market.speed = speed;
  market.running = running;
  market.now = anchor.now;
}

// --------------------------------------------------------------- snapshot

async function loadWindow(window) {
  const [theirOffers, theirAgreements, theirMessages] = await Promise.all([
    api.offersOf(window),
    api.agreementsOf(window),
    api.messagesOf(window),
  ]);
  for (const offer of theirOffers) offers.set(offer.id, offer);
  for (const agreement of theirAgreements) agreements.set(agreement.id, agreement);
  messages.set(window, theirMessages);
  loaded.add(window);
}

async function loadAll() {
  const [about, rows, people, page] = await Promise.all([
    api.market(),
    api.windows(HISTORY),
    api.participants(),
    api.transactions({}, undefined, RECENT_TRANSACTIONS),
  ]);
  market.currency = about.currency;
  market.zone = about.time_zone ?? "UTC";
  market.scenario = about.scenario;
  market.chainId = about.chain_id;
  market.windowLength = about.window_length;
  market.commitMargin = about.commit_margin;
  market.negotiation = about.negotiation;
  market.totals = about.totals;
  anchor = { now: 0, at: 0 };
  setClock(about.clock);

  for (const map of [windows, offers, agreements, messages, participants]) map.clear();
  loaded.clear();
  for (const row of rows) windows.set(row.window, row);
  for (const person of people) participants.set(person.address, person);
  recent.transactions = page.items;

  const now = tradingWindow();
  const wanted = new Set([now, now - 1, now - 2, shownWindow()]);
  await Promise.all([...wanted].map(loadWindow));
  market.ready = true;
  market.problem = "";
}

/** Shows a window; null follows the market. */
export function choose(window) {
  market.chosen = window;
  if (window !== null && !loaded.has(window)) {
    loadWindow(window).catch((problem) => (market.problem = problem.message));
  }
}

// ----------------------------------------------------------------- events

/** Calls `heard(kind, record)` on every event; returns how to stop. */
export function onEvent(heard) {
  listeners.add(heard);
  return () => listeners.delete(heard);
}

const apply = {
  clock: setClock,
  window(row) {
    windows.set(row.window, row);
    if (row.closed) refreshTotals();
  },
  offer: (offer) => offers.set(offer.id, offer),
  agreement: (agreement) => agreements.set(agreement.id, agreement),
  participant: (person) => participants.set(person.address, person),
  message(message) {
    const said = messages.get(message.window) ?? [];
    if (said.some((other) => other.id === message.id)) return;
    messages.set(message.window, [...said, message]);
    loaded.add(message.window);
  },
  transaction(transaction) {
    recent.transactions = [transaction, ...recent.transactions].slice(0, RECENT_TRANSACTIONS);
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

let totalsWanted = false;

function refreshTotals() {
  if (totalsWanted) return;
  totalsWanted = true;
  setTimeout(async () => {
    totalsWanted = false;
    try {
      market.totals = (await api.market()).totals;
      forget();
    } catch (problem) {
      market.problem = problem.message;
    }
  }, 400);
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
      market.problem = problem.message;
      retry = setTimeout(load, 2000);
    }
  };
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

/** A participant's name: its household, or a short address. */
export function nameOf(account) {
  const person = personOf(account);
  if (person) return person.household;
  return String(account).startsWith("0x")
    ? `${String(account).slice(0, 8)}\u2026`
    : String(account);
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
