// What a household and an auditor can open, computed in the browser: nothing here speaks with
// anybody. The twins in Python are app/privacy/{notes,details,audit,committee}.py.

import {
  asNumber,
  commit,
  contextOf,
  G,
  H,
  hash,
  inverse,
  joined,
  keccak,
  keyBase,
  N,
  Refusal,
  tagBase,
  tagOf,
  times,
  timesPublic,
  toHex,
  xOf,
  ZERO,
} from "./private-curve.js";

const WORD = 32;

// -------------------------------------------------------------------- openings

/** Whether a commitment hides what an opening says. */
export const opens = (commitment, opening) => commit(opening).equals(commitment);

// ----------------------------------------------------------------------- notes

const NOTE_TAG = tagOf("peerwatt/note/1");
const [VIEW_TAG, KEY, BLINDING, MASK] = [0n, 1n, 2n, 3n];
const AMOUNT_BYTES = 8;

/**
 * What a note says to the owner of the view key, if it is the owner's, and nothing otherwise.
 *
 * A note that `fits` holds what it says. One that does not, can pay for a part of a trade: its message
 * was made for the whole.
 * @returns {{opening: {value: bigint, blinding: bigint}, offset: bigint, fits: boolean} | null}
 *   `offset` and the spend secret make the secret of the note's key
 */
export function lookAtNote(note, message, spendPublic, viewSecret) {
  const shared = hash(NOTE_TAG, times(message.ephemeral, viewSecret), message.ephemeral);
  if (hash(shared, VIEW_TAG)[0] !== message.viewTag) return null;
  const derived = (number) => asNumber(hash(shared, number)) % N;
  const offset = derived(KEY);
  if (!spendPublic.add(timesPublic(G, offset)).equals(note.key)) return null;
  const mask = asNumber(hash(shared, MASK).subarray(0, AMOUNT_BYTES));
  const opening = { value: message.encryptedAmount ^ mask, blinding: derived(BLINDING) };
  return { opening, offset, fits: opens(note.commitment, opening) };
}

/** The mark that spending a note leaves. */
export function noteImage(key, spendSecret, offset) {
  return times(keyBase(key), (spendSecret + offset) % N);
}

// --------------------------------------------------------------------- details

const DETAILS_TAG = tagOf("peerwatt/details/1");
const MAX_TEXT = 1024;
const CHECK = 16;
const END = 0x80;
const HEAD = 2 * WORD + CHECK;

/** How the sealed bytes of an offer are divided; null where they are not sealed for such a ring. */
export function sealedParts(sealed, size) {
  const start = HEAD + size * WORD;
  if (sealed.length < start || sealed.length > start + MAX_TEXT) return null;
  return {
    ephemeral: [sealed.subarray(0, WORD), sealed.subarray(WORD, 2 * WORD)].map(toHex),
    check: sealed.subarray(2 * WORD, HEAD),
    wrapped: (place) => sealed.subarray(HEAD + place * WORD, HEAD + (place + 1) * WORD),
    text: sealed.subarray(start),
  };
}

/**
 * What was sealed for a ring, to the member at a place of it; null if it was not.
 * @param {ReturnType<typeof sealedParts>} parts
 * @param ephemeral the point that `parts` has in digits
 */
export function openDetails(parts, ephemeral, place, memberSecret) {
  const mask = hash(DETAILS_TAG, times(ephemeral, memberSecret), ephemeral, BigInt(place));
  const contentKey = xor(parts.wrapped(place), mask);
  const check = hash(contentKey, keccak(parts.text)).subarray(0, CHECK);
  if (check.some((byte, i) => byte !== parts.check[i])) return null;
  const blocks = Math.ceil(parts.text.length / WORD);
  const stream = joined(Array.from({ length: blocks }, (_, i) => hash(contentKey, BigInt(i))));
  const padded = xor(parts.text, stream);
  const end = padded.lastIndexOf(0x80);
  return end < 0 ? null : padded.subarray(0, end);
}

const xor = (left, right) => left.map((byte, i) => byte ^ right[i]);

// ----------------------------------------------------------------- authorship

/** The image that a member's offer in a slot of a round leaves. */
export function memberImage(memberSecret, { chainId, market }, window, slot) {
  const context = contextOf("peerwatt/private market/image/1", chainId, market, window, slot);
  return times(tagBase(context), memberSecret);
}

// -------------------------------------------------------------------- auditors

/** Whether this is the secret behind the auditors' public key. */
export const isAuditor = (secret, auditor) => times(auditor, secret).equals(G);

/** `d D`, by which the auditors' secret d opens a handle. */
export const blindingOf = (handle, secret) => times(handle, secret);

const CHUNK = 512;

/** Finds values below a limit, by baby and giant steps. */
export class ValueFinder {
  constructor(limit) {
    this.limit = limit;
    this.reach = Math.ceil(Math.sqrt(limit / 2));
    this.stride = 2 * this.reach + 1;
    this.known = null;
  }

  /**
   * The value with value H = point, and null if there is none below the limit.
   * @param {(done: number, all: number) => void} tell
   */
  find(point, tell = () => {}) {
    const steps = Math.ceil(this.limit / this.stride) + 1;
    const all = this.reach + 1 + steps;
    this.known ??= this.#table((done) => tell(done, all));
    const back = timesPublic(H, BigInt(this.stride)).negate();
    for (let first = 0, at = point; first < steps; first += CHUNK) {
      const { places, end } = walk(at, back, Math.min(CHUNK, steps - first));
      for (const [i, x] of xOf(places).entries()) {
        const distance = this.known.get(x);
        if (distance === undefined) continue;
        const value = this.#near((first + i) * this.stride, distance, point);
        if (value !== null) return value;
      }
      at = end;
      tell(this.reach + 1 + first, all);
    }
    return null;
  }

  #table(tell) {
    const known = new Map();
    for (let first = 0, at = ZERO; first <= this.reach; first += CHUNK) {
      const { places, end } = walk(at, H, Math.min(CHUNK, this.reach + 1 - first));
      for (const [i, x] of xOf(places).entries()) known.set(x, first + i);
      at = end;
      tell(first);
    }
    return known;
  }

  #near(middle, distance, point) {
    const fits = (value) =>
      value >= 0 && value < this.limit && timesPublic(H, BigInt(value)).equals(point);
    return [middle + distance, middle - distance].find(fits) ?? null;
  }
}

/** start, start + step, ...: so many, and where the next would be. */
function walk(start, step, count) {
  const places = [];
  let end = start;
  for (let i = 0; i < count; i++) {
    places.push(end);
    end = end.add(step);
  }
  return { places, end };
}

// ------------------------------------------------------------ k of n auditors

const PARTIAL_TAG = "peerwatt/partial opening/1";

/** `f(index) A`, the public part of an auditor's share. */
export function sharePublic(coefficients, index) {
  return coefficients.reduce(
    (sum, point, j) => sum.add(timesPublic(point, index ** BigInt(j))),
    ZERO,
  );
}

/** Whether an auditor's contribution is what its share makes of a handle. */
export function holdsPartial(committee, handle, { index, point, proof }, context) {
  const owner = sharePublic(committee.coefficients, index);
  const [response, ...others] = proof.responses;
  if (response === undefined || others.length > 0) return false;
  const answer = (base, image) =>
    timesPublic(base, response).subtract(timesPublic(image, proof.challenge));
  const begun = hash(tagOf(PARTIAL_TAG), context, committee.public, index, owner, handle, point);
  const state = hash(begun, answer(committee.public, owner), answer(handle, point));
  return asNumber(state) % N === proof.challenge;
}

/**
 * `d D` from enough contributions. Those that are not their auditor's share count for nothing, and a
 * Refusal names them where too few are left.
 */
export function combinePartials(committee, handle, partials, context) {
  if (!committee.coefficients[0]?.equals(G)) {
    throw new Refusal("committee", "must begin with the base point");
  }
  const needed = committee.coefficients.length;
  const [points, wrong] = [new Map(), new Set()];
  for (const partial of partials) {
    if (points.has(partial.index) || points.size === needed) continue;
    if (holdsPartial(committee, handle, partial, context)) points.set(partial.index, partial.point);
    else wrong.add(partial.index);
  }
  if (points.size < needed) {
    const named = [...wrong].map((index) => `; that of auditor ${index} is not its share`);
    const rule = `must come from ${needed} auditors, here are ${points.size}${named.join("")}`;
    throw new Refusal("partials", rule);
  }
  const indices = [...points.keys()];
  return indices.reduce(
    (sum, index) => sum.add(timesPublic(points.get(index), weightOf(index, indices))),
    ZERO,
  );
}

/** Lagrange's coefficient at zero. */
function weightOf(index, indices) {
  const others = indices.filter((other) => other !== index);
  const above = others.reduce((product, other) => (product * other) % N, 1n);
  const below = others.reduce((product, other) => (product * (other - index + N)) % N, 1n);
  return (above * inverse(below)) % N;
}
