// The group that private trading lives in: G1 of bn254, y^2 = x^3 + 3, and how it is hashed
// (docs/privacy.md). Points come from the network and keys from people: `pointOf` and `secretOf`
// look at them before anything is computed.

import { normalizeZ } from "@noble/curves/abstract/curve.js";
import { createHasher } from "@noble/curves/abstract/hash-to-curve.js";
import { weierstrass } from "@noble/curves/abstract/weierstrass.js";
import { keccak_256 } from "@noble/hashes/sha3.js";

const P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47n;
export const N = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n;

const Group = weierstrass({ p: P, n: N, h: 1n, a: 0n, b: 3n, Gx: 1n, Gy: 2n });
const { Fp } = Group;

export const ZERO = Group.ZERO;
/** What blindings are multiples of. */
export const G = Group.BASE;
/** What values are multiples of: `hash_to_curve("value base", GENERATORS)`. */
export const H = Group.fromAffine({
  x: 0x07e0611f856ecc0dd2190b27de6fd9ea368b5080e42a8dc7111da5247647ea47n,
  y: 0x15c2864d350ee61043161e719205ec506a3c0c3cb8ed7e10c3032e72e86ad48en,
});

const WORD = 32;
const WORD_BITS = 256n;
const BYTES = /^0x(?:[0-9a-f]{2})*$/i;
const NUMBER = /^0x[0-9a-f]{1,64}$/i;

/** Why something is not taken: which part of it breaks which rule. A secret is not repeated. */
export class Refusal extends Error {
  constructor(field, rule) {
    super(`${field} ${rule}`);
    this.name = "Refusal";
    this.field = field;
    this.rule = rule;
  }
}

// ------------------------------------------------------------ what comes in

/** A number below 2^256 from hexadecimal digits, or from a whole number. */
export function numberOf(field, given) {
  if (Number.isSafeInteger(given) && given >= 0) return BigInt(given);
  if (typeof given === "string" && NUMBER.test(given)) return BigInt(given);
  throw new Refusal(field, "must be a number in hexadecimal digits");
}

/** 0 to N - 1, so that everything has one form only. */
export function scalarOf(field, given) {
  const value = numberOf(field, given);
  if (value >= N) throw new Refusal(field, "must be below the group's order");
  return value;
}

/** 1 to N - 1. */
export function secretOf(field, given) {
  const value = scalarOf(field, given);
  if (value === 0n) throw new Refusal(field, "must not be zero");
  return value;
}

export function bytesOf(field, given) {
  if (typeof given !== "string" || !BYTES.test(given)) {
    throw new Refusal(field, "must be bytes in hexadecimal digits");
  }
  return Uint8Array.from({ length: given.length / 2 - 1 }, (_, i) =>
    Number.parseInt(given.slice(2 + 2 * i, 4 + 2 * i), 16),
  );
}

export function wordOf(field, given) {
  const bytes = bytesOf(field, given);
  if (bytes.length !== WORD) throw new Refusal(field, "must have 32 bytes");
  return bytes;
}

/** A point of the curve, not infinity, from `{x, y}` or `[x, y]`. */
export function pointOf(field, given) {
  const pair = Array.isArray(given) && given.length === 2 ? { x: given[0], y: given[1] } : given;
  if (typeof pair !== "object" || pair === null) throw new Refusal(field, "must be a point");
  const [x, y] = [numberOf(`${field}.x`, pair.x), numberOf(`${field}.y`, pair.y)];
  if (x === 0n && y === 0n) throw new Refusal(field, "must not be the point at infinity");
  if (x >= P || y >= P) throw new Refusal(field, "must have coordinates below the field's prime");
  if ((y * y - x * x * x - 3n) % P !== 0n) throw new Refusal(field, "must lie on the curve bn254");
  return Group.fromAffine({ x, y });
}

/** Both coordinates of a point in hexadecimal digits. */
export function shown(point) {
  const { x, y } = coordinates(point);
  return { x: toHex(wordFrom(x)), y: toHex(wordFrom(y)) };
}

export const toHex = (bytes) =>
  `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;

// ----------------------------------------------------------------- computing

/** A point times a secret; takes as long for every secret, as far as the language lets it. */
export const times = (point, secret) => point.multiply(secret);

/** A point times a public number of any size. */
export const timesPublic = (point, scalar) => point.multiplyUnsafe(((scalar % N) + N) % N);

/** `value H + blinding G`, not infinity. */
export function commit({ value, blinding }) {
  const hidden = blinding === 0n ? ZERO : times(G, blinding);
  const point = timesPublic(H, value).add(hidden);
  if (point.is0()) throw new Refusal("blinding", "must not be zero with a value of zero");
  return point;
}

/** Affine x of each point, computed in one go; infinity has 0. */
export const xOf = (points) => normalizeZ(Group, points).map((point) => coordinates(point).x);

export const inverse = (scalar) => Group.Fn.inv(scalar);

function coordinates(point) {
  return point.is0() ? { x: 0n, y: 0n } : point.toAffine();
}

// ------------------------------------------------------------------- hashing

export const tagOf = (text) => keccak_256(new TextEncoder().encode(text));

export const keccak = keccak_256;

/** keccak-256 of words: numbers, points (two words each) and strings of 32 bytes. */
export function hash(...words) {
  const parts = words.flatMap((word) => {
    if (typeof word === "bigint") return [wordFrom(word)];
    if (word instanceof Uint8Array) return [word];
    const { x, y } = coordinates(word);
    return [wordFrom(x), wordFrom(y)];
  });
  return keccak_256(joined(parts));
}

/** Bytes as a number, the highest first. */
export const asNumber = (bytes) => BigInt(toHex(bytes));

/** What ties a proof or a key image to a purpose of a contract on a chain. */
export const contextOf = (tag, chainId, contract, ...words) =>
  hash(tagOf(tag), BigInt(chainId), BigInt(contract), ...words.map(BigInt));

function wordFrom(value) {
  const word = new Uint8Array(WORD);
  for (let i = WORD - 1, rest = BigInt.asUintN(Number(WORD_BITS), value); i >= 0; i--) {
    word[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return word;
}

export function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

// -------------------------------------------------------------- hash to curve

const C1 = 4n;
const C2 = Fp.div(Fp.neg(1n), 2n);
const C3 = 0x16789af3a83522eb353c98fc6b36d713d5d8d1cc5dffffffan;
const C4 = Fp.div(Fp.neg(16n), 3n);

/** The right side of the curve's equation. */
const squared = (x) => Fp.add(Fp.mul(Fp.sqr(x), x), 3n);

/** The map of Shallue and van de Woestijne with Z = 1, RFC 9380 appendix F.1. */
function mapToCurve([u]) {
  const part = Fp.mul(Fp.sqr(u), C1);
  const [above, below] = [Fp.add(1n, part), Fp.sub(1n, part)];
  const inverted = Fp.pow(Fp.mul(above, below), P - 2n);
  const step = Fp.mul(Fp.mul(u, below), Fp.mul(inverted, C3));
  const last = Fp.sqr(Fp.mul(Fp.sqr(above), inverted));
  const candidates = [Fp.sub(C2, step), Fp.add(C2, step), Fp.add(1n, Fp.mul(C4, last))];
  for (const x of candidates) {
    const y = rootOf(squared(x));
    if (y !== null) return { x, y: y % 2n === u % 2n ? y : Fp.neg(y) };
  }
  throw new Refusal("message", "must have a point");
}

/** A square root, or null. */
function rootOf(value) {
  const root = Fp.pow(value, (P + 1n) / 4n);
  return Fp.eql(Fp.sqr(root), value) ? root : null;
}

const hasher = createHasher(Group, mapToCurve, {
  DST: "peerwatt/tag base/1/BN254G1_XMD:KECCAK-256_SVDW_RO_",
  p: P,
  m: 1,
  k: 128,
  expand: "xmd",
  hash: keccak_256,
});

/** The base of the key images in a context. */
export const tagBase = (context) => hasher.hashToCurve(context);

const KEY_BASE_TAG = tagOf("peerwatt/key base/1");
const KEY_BASE_TRIES = 256n;

/** The base of the key image of a note with a one-time key. */
export function keyBase(key) {
  for (let i = 0n; i < KEY_BASE_TRIES; i++) {
    const x = BigInt.asUintN(254, asNumber(hash(KEY_BASE_TAG, key, i)));
    const y = x < P ? rootOf(squared(x)) : null;
    if (y !== null) return Group.fromAffine({ x, y: y % 2n === 0n ? y : Fp.neg(y) });
  }
  throw new Refusal("key", "must have a base");
}
