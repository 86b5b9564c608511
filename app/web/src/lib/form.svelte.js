// A form that is checked, then sent, and says at its fields what is wrong.

import { market } from "./market.svelte.js";
import { explain } from "./words.js";

/**
 * @param {{
 *   fields: string[],
 *   check: () => Record<string, string | undefined>,
 *   send: () => Promise<void>,
 *   say?: (problem: import("./http.js").Problem) => Record<string, string>,
 * }} way `fields` are the names of the controls in their order; `check` and `say` tell what is wrong
 *   by these names, "" being the form as a whole
 */
export function createForm({ fields, check, send, say = (p) => explain(p, market.currency) }) {
  let notes = $state({});
  let sending = $state(false);

  /** What is about no field of this form is about the form. */
  function sorted(told) {
    const known = {};
    for (const [field, text] of Object.entries(told)) {
      const at = fields.includes(field) ? field : "";
      known[at] = known[at] ? `${known[at]} ${text}` : text;
    }
    return known;
  }

  function focusFirst(form) {
    const field = fields.find((name) => notes[name]);
    if (field) form.elements[field]?.focus();
  }

  return {
    get notes() {
      return notes;
    },
    get sending() {
      return sending;
    },
    /** What was said of a field holds until it is changed. */
    forget(field) {
      notes = { ...notes, [field]: undefined, "": undefined };
    },
    async submit(event) {
      event.preventDefault();
      if (sending) return;
      const form = event.currentTarget;
      notes = check();
      if (Object.values(notes).some(Boolean)) {
        focusFirst(form);
        return;
      }
      sending = true;
      try {
        await send();
      } catch (problem) {
        notes = sorted(say(problem));
        focusFirst(form);
      } finally {
        sending = false;
      }
    },
  };
}
