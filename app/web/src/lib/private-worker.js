// The thread that computes, so that the page goes on answering meanwhile.

import { Refusal } from "./private-curve.js";
import * as reader from "./private-reader.js";

addEventListener("message", ({ data: { id, method, parameters } }) => {
  const tell = (done, all) => postMessage({ id, progress: done / all });
  try {
    postMessage({ id, result: reader[method](parameters, tell) });
  } catch (error) {
    const refusal =
      error instanceof Refusal
        ? { field: error.field, rule: error.rule }
        : { field: "", rule: error.message };
    postMessage({ id, refusal });
  }
});
