// The page's side of the thread that computes (private-worker.js). Keys go there and nowhere else.

/** What the thread does not take: `field` is what is wrong, `rule` what it should be. */
export class Refused extends Error {
  constructor({ field, rule }) {
    super(`${field} ${rule}`.trim());
    this.field = field;
    this.rule = rule;
  }
}

const waiting = new Map();
let worker = null;
let asked = 0;

function start() {
  const started = new Worker(new URL("./private-worker.js", import.meta.url), { type: "module" });
  started.onmessage = ({ data: { id, progress, result, refusal } }) => {
    const { resolve, reject, tell } = waiting.get(id);
    if (progress !== undefined) {
      tell?.(progress);
      return;
    }
    waiting.delete(id);
    if (refusal) reject(new Refused(refusal));
    else resolve(result);
  };
  started.onerror = () => drop("This browser cannot compute what it takes to open envelopes.");
  return started;
}

/**
 * Has a function of private-reader.js computed, in its turn.
 * @param {(part: number) => void} [tell] hears of progress, 0 to 1
 */
export function compute(method, parameters, tell) {
  worker ??= start();
  asked += 1;
  const id = asked;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, tell });
    worker.postMessage({ id, method, parameters });
  });
}

/** Ends the thread, and with it all that it knew; what it was asked is refused. */
export function forgetAll() {
  worker?.terminate();
  drop("This is no longer asked for.");
}

function drop(rule) {
  worker = null;
  for (const { reject } of waiting.values()) reject(new Refused({ field: "", rule }));
  waiting.clear();
}
