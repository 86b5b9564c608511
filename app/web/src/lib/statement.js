// A household's statement: what came into its account and left it, newest first, from three lists
// of the gateway.

import * as api from "./api.js";
import { costUp } from "./units.js";

const LINES = 20;

const MOVEMENTS = {
  deposit: [1, "Paid in"],
  withdrawal: [-1, "Taken out"],
  debt: [0, "Owed to the operator from now on"],
  debt_payment: [-1, "Debt paid"],
  claim: [0, "Owed by the operator from now on"],
  claim_payment: [1, "Paid by the operator"],
};

function movementLines(row) {
  const [sign, text] = MOVEMENTS[row.kind] ?? [0, row.kind];
  return [{ text, amount: sign * row.amount, about: sign === 0 ? row.amount : null }];
}

function settlementLines(account) {
  return (row) => {
    const charged = costUp(row.delivered_wh, row.price);
    if (row.buyer === account) {
      const lines = [{ text: "Bought from a neighbour", amount: -charged, with: row.seller }];
      if (row.compensation > 0) {
        lines.push({ text: "Received for missing energy", amount: row.compensation });
      }
      return lines;
    }
    // The operator's part has the dust of both sides in it: what is left is the seller's loss.
    const lost = row.penalty - (charged - row.paid) + row.compensation;
    const lines = [{ text: "Sold to a neighbour", amount: row.paid, with: row.buyer }];
    if (lost > 0) lines.push({ text: "Paid for missing energy", amount: -lost });
    return lines;
  };
}

function positionLines(row) {
  if (row.net_wh === 0) return [];
  return row.net_wh > 0
    ? [{ text: "Sold to the grid", amount: row.amount, energy_wh: row.net_wh }]
    : [{ text: "Bought from the grid", amount: -row.amount, energy_wh: -row.net_wh }];
}

/** One list, read page by page as it is needed. */
class Source {
  constructor(read, lines) {
    this.read = read;
    this.lines = lines;
    this.rows = [];
    this.cursor = undefined;
    this.over = false;
  }

  async peek() {
    if (this.rows.length === 0 && !this.over) {
      const { items, next } = await this.read(this.cursor);
      this.rows = items;
      this.cursor = next;
      this.over = next === null;
    }
    return this.rows[0];
  }

  take() {
    const row = this.rows.shift();
    const { window, at, transaction_hash } = row;
    return this.lines(row).map((line) => ({ window, at, transaction_hash, ...line }));
  }
}

const newer = (a, b) => a.block - b.block || a.log_index - b.log_index;

/** @returns {() => Promise<{lines: object[], more: boolean}>} the next lines, newest first */
export function statementOf(account) {
  const sources = [
    new Source(api.movementsOf(account), movementLines),
    new Source(api.settlementsOf(account), settlementLines(account)),
    new Source(api.positionsOf(account), positionLines),
  ];
  return async () => {
    const lines = [];
    for (;;) {
      const heads = await Promise.all(sources.map((source) => source.peek()));
      const left = sources.filter((source, i) => heads[i]);
      if (left.length === 0) return { lines, more: false };
      if (lines.length >= LINES) return { lines, more: true };
      left.sort((a, b) => newer(b.rows[0], a.rows[0]));
      lines.push(...left[0].take());
    }
  };
}
