// How the page talks to the gateway: requests, pages of lists, refusals.

export const BASE = "/api/v1";
const PAGE = 200;
/** A write waits for its block. */
const PATIENCE_MS = 30_000;

/** A refusal by the gateway (RFC 9457), or no answer at all (`status` 0). */
export class Problem extends Error {
  constructor(body, status) {
    super(body.detail || body.title || "The gateway did not say why.");
    this.status = status;
    this.error = body.error ?? "";
    /** The request came at the wrong moment, and may succeed at another. */
    this.untimely = body.type === "urn:peerwatt:problem:conflict";
    this.details = body.arguments ?? {};
    this.hint = body.hint ?? "";
    /** Broken rules by the form's fields; "" is the form as a whole. */
    this.fields = {};
    for (const { field, rule } of body.errors ?? []) {
      this.fields[FIELD_OF[field.split(".").at(-1)] ?? ""] = rule;
    }
  }
}

/** Which field of the page's form a member of a request body is. */
const FIELD_OF = {
  from: "household",
  window: "window",
  energy_wh: "energy",
  floor_price: "price",
  limit_price: "price",
  expires_at: "until",
  amount: "amount",
  description: "why",
};

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(BASE + path, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...options,
      headers: { Accept: "application/json", ...options.headers },
    });
  } catch {
    throw new Problem({ detail: "The gateway does not answer." }, 0);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(body, response.status);
  return body;
}

export function get(path, parameters = {}) {
  const given = Object.entries(parameters).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  return call(given.length ? `${path}?${new URLSearchParams(given)}` : path);
}

export function post(path, body, headers = {}) {
  return call(path, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "Idempotency-Key": crypto.randomUUID(),
      ...headers,
    },
    body: JSON.stringify(body),
  });
}

/** A page of a list: `{items, next}`, each item made by `shape`. */
export async function page(path, parameters, shape) {
  const answer = await get(path, parameters);
  return { items: answer.items.map(shape), next: answer.next };
}

/** All pages of a list that is known to be short. */
export async function all(path, parameters, shape, paging = { limit: PAGE, order: "oldest" }) {
  const items = [];
  let cursor;
  do {
    const part = await page(path, { ...paging, ...parameters, cursor }, shape);
    items.push(...part.items);
    cursor = part.next;
  } while (cursor);
  return items;
}
