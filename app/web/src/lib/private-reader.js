// What somebody with keys sees of what everybody sees. Each function takes the gateway's JSON with
// keys in hexadecimal digits, and answers in plain JSON; a Refusal says what cannot be. One thing of
// somebody's that is no point or number does not stop the rest from being read: it stays closed.

import {
  blindingOf,
  combinePartials,
  isAuditor,
  lookAtNote,
  memberImage,
  noteImage,
  openDetails,
  opens,
  sealedParts,
  ValueFinder,
} from "./private-crypto.js";
import {
  bytesOf,
  commit,
  G,
  numberOf,
  pointOf,
  Refusal,
  scalarOf,
  secretOf,
  shown,
  times,
  toHex,
  wordOf,
} from "./private-curve.js";

/** A value and its blinding, of the JSON of a household's own view. */
const openingOf = (field, { value, blinding }) => ({
  value: numberOf(`${field}.value`, value),
  blinding: scalarOf(`${field}.blinding`, blinding),
});

/** What `read` makes of what somebody has published, and `otherwise` if it is not what it should be. */
function unless(otherwise, read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) return otherwise;
    throw error;
  }
}

/** Whether a public commitment hides what an opening says. */
function fits(commitment, opening) {
  return unless(false, () => opens(pointOf("commitment", commitment), openingOf("", opening)));
}

// ------------------------------------------------------------------------ keys

/** The public halves of secret keys, by the same names. */
export function publicKeys({ keys }) {
  const half = ([name, secret]) => [name, shown(times(G, secretOf(name, secret)))];
  return Object.fromEntries(Object.entries(keys).map(half));
}

// ---------------------------------------------------------------------- offers

/**
 * The offers of a round, as a member sees them: which are its own, by the key image, and what the
 * details say that were sealed for its ring.
 * @returns {{offer_id: number, mine: boolean, details: string | null}[]}
 */
export function readOffers({ chain_id, market, window, ring, offers, member }) {
  const secret = secretOf("member", member);
  const own = shown(times(G, secret));
  const place = ring.findIndex((key) => BigInt(key.x) === BigInt(own.x));
  const images = new Map();
  const imageIn = (slot) => {
    if (!images.has(slot)) {
      const image = memberImage(secret, { chainId: chain_id, market }, window, slot);
      images.set(slot, BigInt(shown(image).x));
    }
    return images.get(slot);
  };
  return offers.map((offer) => ({
    offer_id: offer.offer_id,
    mine: place >= 0 && numberOf("image_x", offer.image_x) === imageIn(offer.slot),
    details: place < 0 ? null : unless(null, () => readDetails(offer, ring.length, place, secret)),
  }));
}

function readDetails({ metadata }, size, place, secret) {
  const parts = metadata && sealedParts(bytesOf("metadata", metadata).subarray(1), size);
  if (!parts) return null;
  const ephemeral = pointOf("ephemeral", parts.ephemeral);
  const found = openDetails(parts, ephemeral, place, secret);
  return found && toHex(found);
}

/**
 * Whether what a household says it has hidden is what the commitments hide, one by one.
 * @param {{commitment: {x: string, y: string}, opening: {value: number, blinding: string}}[]} claims
 * @returns {boolean[]}
 */
export function checkOpenings({ claims }) {
  return claims.map(({ commitment, opening }) => fits(commitment, opening));
}

// ----------------------------------------------------------------------- notes

/**
 * Which of these notes are somebody's, by the view key; with the spend key also the images that tell
 * when they are spent.
 *
 * A note that pays for a part of a trade is found, but does not open: its message tells what all
 * would have cost. Then `amount` is null, and `blinding` tells of which trade it is.
 * @returns {{number: number, amount: number | null, blinding: string, image: string | null}[]}
 */
export function readNotes({ notes, note_view, note_spend }) {
  const reader = readerOf(note_view, note_spend);
  return notes.flatMap((note) => {
    const found = note.message && unless(null, () => readNote(note, reader));
    if (!found) return [];
    const image = reader.spend && noteImage(pointOf("key", note.key), reader.spend, found.offset);
    return [
      {
        number: note.number,
        amount: found.fits ? Number(found.opening.value) : null,
        blinding: wordText(found.opening.blinding),
        image: image && shown(image).x,
      },
    ];
  });
}

/**
 * What the agreements cost that pay the owner of the view key: its sales, then. What it bought, the
 * view key alone does not show.
 * @returns {{agreement_id: string, cost: number}[]}
 */
export function readSales({ agreements, note_view, note_spend }) {
  const reader = readerOf(note_view, note_spend);
  return agreements.flatMap(({ agreement_id, payout_key, payout_message, cost }) => {
    const note = { key: payout_key, commitment: cost, message: payout_message };
    const found = payout_message && unless(null, () => readNote(note, reader));
    return found?.fits ? [{ agreement_id, cost: Number(found.opening.value) }] : [];
  });
}

/** Who reads notes: by the view key, and the spend key or its public half. */
function readerOf(note_view, note_spend) {
  const view = secretOf("note_view", note_view);
  if (typeof note_spend === "object") {
    return { view, spend: null, spendPublic: pointOf("note_spend", note_spend) };
  }
  const spend = secretOf("note_spend", note_spend);
  return { view, spend, spendPublic: times(G, spend) };
}

function readNote({ key, commitment, message }, { spendPublic, view }) {
  const note = { key: pointOf("key", key), commitment: pointOf("commitment", commitment) };
  const said = {
    ephemeral: pointOf("message.ephemeral", message.ephemeral),
    viewTag: message.view_tag,
    encryptedAmount: numberOf("message.encrypted_amount", message.encrypted_amount),
  };
  return lookAtNote(note, said, spendPublic, view);
}

const wordText = (value) => `0x${value.toString(16).padStart(64, "0")}`;

/** The commitments that openings make, by which a note is known that came without a message. */
export function commitments({ openings }) {
  return openings.map((opening, i) => shown(commit(openingOf(`openings[${i}]`, opening))));
}

// -------------------------------------------------------------------- auditors

const finders = new Map();

/**
 * What handles hide, for the auditors: by their secret `key`, or by what enough of them contributed
 * to each.
 * @param {{
 *   auditor: {x: string, y: string},
 *   handles: {commitment: object, handle: object, limit: number}[],
 *   key?: string,
 *   committee?: object,
 *   partials?: object[][],
 * }} asked `limit` is above every value that the handle may hide; `partials` has a list per handle
 * @returns {(number | null)[]} null where there is no value below the limit
 */
export function openHandles({ auditor, handles, key, committee, context, partials }, tell) {
  const blinding = key ? byKey(auditor, key) : byPartials(auditor, committee, context, partials);
  return handles.map(({ commitment, handle, limit }, i) => {
    const hidden = pointOf("commitment", commitment).subtract(
      blinding(pointOf("handle", handle), i),
    );
    if (!finders.has(limit)) finders.set(limit, new ValueFinder(limit));
    return finders
      .get(limit)
      .find(hidden, (done, all) => tell(i * all + done, handles.length * all));
  });
}

function byKey(auditor, key) {
  const secret = secretOf("key", key);
  if (!isAuditor(secret, pointOf("auditor", auditor))) {
    throw new Refusal("key", "must be the auditors' key");
  }
  return (handle) => blindingOf(handle, secret);
}

function byPartials(auditor, committee, context, partials) {
  const read = {
    public: pointOf("committee.public", committee?.public),
    coefficients: (committee?.coefficients ?? []).map((each, i) =>
      pointOf(`committee.coefficients[${i}]`, each),
    ),
  };
  if (!read.public.equals(pointOf("auditor", auditor))) {
    throw new Refusal("committee", "must be that of the auditors' key");
  }
  const word = wordOf("context", context);
  return (handle, i) => combinePartials(read, handle, (partials[i] ?? []).map(partialOf), word);
}

function partialOf({ index, point, proof }, i) {
  const field = `partials[${i}]`;
  return {
    index: secretOf(`${field}.index`, index),
    point: pointOf(`${field}.point`, point),
    proof: {
      challenge: scalarOf(`${field}.proof.challenge`, proof?.challenge),
      responses: (proof?.responses ?? []).map((each) => scalarOf(`${field}.proof.responses`, each)),
    },
  };
}
