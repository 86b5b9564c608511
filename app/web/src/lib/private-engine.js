// The page's side of the thread that computes (private-worker.js). Keys go there and nowhere else.

/** What the thread does not take: `field` is what is wrong, `rule` what it should be. */
export class Refused extends Error {
  constructor({ field, rule }) {
    super(`${field} ${rule}`.trim());
    this.field = field;
    this.rule = rule;
  }
}

/** A thread that begins when it is first asked, and knows what it was told until it ends. */
export function createThread() {
  const waiting = new Map();
  let worker = null;
  let asked = 0;

  function begin() {
    worker = new Worker(new URL("./private-worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data: { id, progress, result, refusal } }) => {
      const { resolve, reject, tell } = waiting.get(id);
      if (progress !== undefined) {
        tell?.(progress);
        return;
      }
      waiting.delete(id);
      if (refusal) reject(new Refused(refusal));
      else resolve(result);
    };
    worker.onerror = () => drop("This browser cannot compute what it takes to open envelopes.");
  }

  function drop(rule) {
    worker = null;
    for (const { reject } of waiting.values()) reject(new Refused({ field: "", rule }));
    waiting.clear();
  }

  return {
    /**
     * Has a function of private-reader.js computed, in its turn.
     * @param {(part: number) => void} [tell] hears of progress, 0 to 1
     */
    compute(method, parameters, tell) {
      if (!worker) begin();
      asked += 1;
      const id = asked;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject, tell });
        worker.postMessage({ id, method, parameters });
      });
    },
    /** Ends it, and with it all that it knew; what it was asked and has not answered is refused. */
    end() {
      worker?.terminate();
      drop("This is no longer asked for.");
    },
  };
}
