// The gateway's REST resources and live events. Everything that the page knows of the gateway's
// names stands here; the rest of the page works with the records that this module returns.

import { all, BASE, get, page, post } from "./http.js";

const MESSAGES = 500;

// ----------------------------------------------------------------- shapes

const offer = (row) => ({
  id: row.offer_id,
  seller: row.seller,
  window: row.window,
  energy_wh: row.energy_wh,
  floor_price: row.floor_price,
  agreed_wh: row.agreed_wh ?? 0,
  cancelled: row.state === "cancelled",
  made_at: row.at,
  transaction_hash: row.transaction_hash,
});

/** An order of the auction; the live feed tells only of its placing. */
const order = (row) => ({
  id: row.order_id,
  owner: row.owner,
  side: row.side,
  window: row.window,
  last_window: row.last_window,
  energy_wh: row.energy_wh,
  filled_wh: row.filled_wh,
  remaining_wh: row.remaining_wh,
  limit_price: row.limit_price,
  state: row.state,
  transaction_hash: row.transaction_hash,
});

/** `offer_id` is that of an offer only if the agreement was negotiated. */
const agreement = (row) => ({
  id: row.agreement_id,
  offer_id: row.offer_id,
  seller: row.seller,
  buyer: row.buyer,
  window: row.window,
  energy_wh: row.energy_wh,
  price: row.price,
  agreed_at: row.at,
  transaction_hash: row.transaction_hash,
  settlement: null,
});

const settlement = (row) => ({
  agreement_id: row.agreement_id,
  delivered_wh: row.delivered_wh,
  paid: row.paid,
  compensation: row.compensation,
  penalty: row.penalty,
  settled_at: row.at,
  transaction_hash: row.transaction_hash,
});

/** A message has no id of its own in the live feed: what it says, by whom and when tells it apart. */
const message = (row) => ({
  ...row,
  id: [row.conversation_id, row.at, row.sender, row.performative, row.price].join(" "),
});

const transaction = (row) => ({
  hash: row.hash,
  block: row.block,
  index: row.log_index,
  at: row.at,
  contract: row.contract,
  function: row.function,
  sender: row.signer,
  gas_used: row.gas_used,
  success: row.succeeded,
});

const plain = (row) => row;

/** Agreements with their settlements. */
function settled(agreements, settlements) {
  const done = new Map(settlements.map((each) => [each.agreement_id, each]));
  return agreements.map((each) => ({ ...each, settlement: done.get(each.id) ?? null }));
}

// ---------------------------------------------------------------- reading

/** What the market is, and its clock `{now, speed, running}`. */
export async function market() {
  const [about, clock] = await Promise.all([get("/market"), get("/windows/current")]);
  return { ...about, clock };
}

export const summary = () => get("/summary");
export const windows = (first, last) => get("/windows", { first, last });
export const participants = () => all("/participants", {}, plain);
export const balances = () => all("/balances", {}, plain);

/** The offers, agreements and messages of a window, each oldest first. */
export async function traded(window) {
  const [offers, agreements, settlements, said] = await Promise.all([
    all("/offers", { window }, offer),
    all("/agreements", { window }, agreement),
    all("/settlements", { window }, settlement),
    all("/proposals", { window }, message, { limit: MESSAGES }),
  ]);
  return {
    offers,
    agreements: settled(agreements, settlements),
    messages: said.reverse(),
  };
}

export const offersBy = (seller, limit) => page("/offers", { seller, limit }, offer);

export async function agreementsWith(participant, limit) {
  const [agreements, settlements] = await Promise.all([
    page("/agreements", { participant, limit }, agreement),
    page("/settlements", { participant, limit }, settlement),
  ]);
  return settled(agreements.items, settlements.items);
}

export const ordersBy = (owner, limit) => page("/orders", { owner, limit }, order);

/** The orders that stand in the book of a window now. */
export const ordersIn = (book) => all("/orders", { book }, order);

/** An order with its `history`, and in words why it was not filled, if that is known. */
export async function orderStory(id) {
  const row = await get(`/orders/${id}`);
  return { ...order(row), history: row.history, unfilled: row.unfilled };
}

/** The auction of a window: its book as steps, where they meet, and its fills. */
export const auction = (window) => get(`/auctions/${window}`);

export const readingsOf = (owner, limit) => page("/readings", { owner, limit }, plain);

/** What a statement is made of; each is a function of a cursor, newest first. */
export const movementsOf = (account) => (cursor) =>
  page(`/balances/${account}/movements`, { cursor }, plain);
export const settlementsOf = (participant) => (cursor) =>
  page("/settlements", { participant, cursor }, plain);
export const positionsOf = (participant) => (cursor) =>
  page("/positions", { participant, cursor }, plain);

export const transactions = (filter, cursor, limit) =>
  page("/transactions", { ...filter, cursor, limit }, transaction);

// ---------------------------------------------------------------- writing

/** Publishes an offer; returns its id. */
export async function publishOffer({ household, window, energyWh, price }) {
  const body = { from: household, window, energy_wh: energyWh, floor_price: price };
  return (await post("/offers", body)).offer_id;
}

/** Takes an offer back. */
export function cancelOffer({ household, id }) {
  return post(`/offers/${id}/cancellation`, { from: household });
}

/** Places an order; returns its id. `side` is "buy" or "sell". */
export async function placeOrder({ household, side, window, energyWh, price, expiresAt }) {
  const body = {
    from: household,
    side,
    window,
    energy_wh: energyWh,
    limit_price: price,
    expires_at: expiresAt,
  };
  return (await post("/orders", body)).order_id;
}

/** Takes back what is left of an order. */
export function cancelOrder({ household, id }) {
  return post(`/orders/${id}/cancellation`, { from: household });
}

/** Lets a household's agent buy in the negotiation that is on. */
export function seekEnergy({ household, window, energyWh, price }) {
  return post("/proposals", { from: household, window, energy_wh: energyWh, limit_price: price });
}

// ------------------------------------------------------------------- live

const LIVE = {
  clock: plain,
  offer,
  cancellation: plain,
  agreement,
  order: plain,
  fill: plain,
  order_end: plain,
  clearing: plain,
  pricing_rule: plain,
  settlement,
  reading: plain,
  position: plain,
  movement: plain,
  cover: plain,
  terms: plain,
  participant: plain,
  membership: plain,
  consortium_proposal: plain,
  ballot: plain,
  proposal_step: plain,
  pause: plain,
  rule: plain,
  deposit_confirmation: plain,
  mint: plain,
  withdrawal_request: plain,
  payout_confirmation: plain,
  rejection: plain,
  withdrawal_end: plain,
  attestation: plain,
  doubt: plain,
  reading_confirmation: plain,
  correction_confirmation: plain,
  correction: plain,
  release: plain,
  private_key: plain,
  private_auditor: plain,
  private_round: plain,
  private_offer: plain,
  private_agreement: plain,
  private_end: plain,
  note: plain,
  note_image: plain,
  pool_movement: plain,
  message,
  transaction,
  reorganised: plain,
  reset: plain,
};

/** The gateway tells the time every second: after so long without a word the line is dead. */
const SILENCE_MS = 8000;
const AGAIN_MS = 2000;

/**
 * Listens to the gateway's events until the returned function is called.
 * @param {(kind: string, record: object) => void} onEvent
 * @param {(live: boolean) => void} onState called on every (re)connection and loss
 */
export function listen(onEvent, onState) {
  let source;
  let again;
  let silence;

  function open() {
    source = new EventSource(`${BASE}/events`);
    source.onopen = () => {
      heard();
      onState(true);
    };
    source.onerror = () => {
      onState(false);
      // The browser gives up after some errors (such as a 502 of a proxy): then we try again.
      if (source.readyState === EventSource.CLOSED) again = setTimeout(open, AGAIN_MS);
    };
    for (const [kind, shape] of Object.entries(LIVE)) {
      source.addEventListener(kind, (event) => {
        heard();
        onEvent(kind, shape(JSON.parse(event.data)));
      });
    }
  }

  function heard() {
    clearTimeout(silence);
    silence = setTimeout(() => {
      close();
      onState(false);
      open();
    }, SILENCE_MS);
  }

  function close() {
    clearTimeout(again);
    clearTimeout(silence);
    source.close();
  }

  open();
  return close;
}
