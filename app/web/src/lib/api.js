// The gateway's REST resources and live events. Everything that the page knows of the gateway's
// names stands here; the rest of the page works with the records that these functions return.

const BASE = "/api/v1";
const PAGE = 200;

/** A refusal by the gateway (RFC 9457), or no answer at all (`status` 0). */
export class Problem extends Error {
  constructor(body, status) {
    super(body.detail || body.title || "The gateway did not say why.");
    this.status = status;
    this.title = body.title ?? "";
    this.error = body.error ?? "";
    this.details = body.arguments ?? {};
    this.hint = body.hint ?? "";
    this.fields = Object.fromEntries((body.errors ?? []).map((e) => [e.field, e.message]));
  }
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(BASE + path, {
      headers: { Accept: "application/json", ...options.headers },
      ...options,
    });
  } catch {
    throw new Problem({ title: "No answer", detail: "The gateway does not answer." }, 0);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(body, response.status);
  return body;
}

function query(parameters) {
  const given = Object.entries(parameters).filter(
    ([, v]) => v !== undefined && v !== null && v !== "",
  );
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

const get = (path, parameters = {}) => call(path + query(parameters));

/** All pages of a list that is known to be short. */
async function all(path, parameters) {
  const items = [];
  let cursor;
  do {
    const page = await get(path, { limit: PAGE, ...parameters, cursor });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

function post(path, body) {
  return call(path, {
    method: "POST",
    headers: {
      Accept: "application/json",
      "Content-Type": "application/json",
      "Idempotency-Key": crypto.randomUUID(),
    },
    body: JSON.stringify(body),
  });
}

// ---------------------------------------------------------------- reading

export const market = () => get("/market");
export const windows = (limit) => get("/windows", { limit }).then((page) => page.items);
export const participants = () => all("/participants", {});
export const offersOf = (window) => all("/offers", { window });
export const agreementsOf = (window) => all("/agreements", { window });
export const messagesOf = (window) => all("/negotiations", { window });
export const offersBy = (seller, limit) => get("/offers", { seller, limit }).then((p) => p.items);
export const agreementsWith = (participant, limit) =>
  get("/agreements", { participant, limit }).then((page) => page.items);
export const readingsOf = (participant, limit) =>
  get("/readings", { participant, limit }).then((page) => page.items);
export const statementOf = (participant, cursor) =>
  get(`/participants/${participant}/statement`, { limit: 20, cursor });
export const transactions = (filter, cursor, limit) =>
  get("/transactions", { ...filter, cursor, limit });

// ---------------------------------------------------------------- writing

export const publishOffer = ({ household, window, energyWh, price }) =>
  post("/offers", { seller: household, window, energy_wh: energyWh, floor_price: price });
export const seekEnergy = ({ household, window, energyWh, price }) =>
  post("/negotiations", { buyer: household, window, energy_wh: energyWh, limit_price: price });

/** Which field of the form a field of a request body is. */
export const FIELD_OF = {
  seller: "household",
  buyer: "household",
  window: "window",
  energy_wh: "energy",
  floor_price: "price",
  limit_price: "price",
};

// ------------------------------------------------------------------- live

export const LIVE = [
  "clock",
  "window",
  "offer",
  "agreement",
  "message",
  "reading",
  "participant",
  "statement",
  "transaction",
];

/**
 * Listens to the gateway's events until the returned function is called.
 * @param {(kind: string, record: object) => void} onEvent
 * @param {(live: boolean) => void} onState called on every (re)connection and loss
 */
export function listen(onEvent, onState) {
  let source;
  let timer;
  const open = () => {
    source = new EventSource(`${BASE}/events`);
    source.onopen = () => onState(true);
    source.onerror = () => {
      onState(false);
      // The browser gives up after some errors (such as a 502 from a proxy): then we try again.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, 2000);
    };
    for (const kind of LIVE) {
      source.addEventListener(kind, (event) => onEvent(kind, JSON.parse(event.data)));
    }
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
