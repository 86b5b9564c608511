// The gateway's resources of the members: who they are, what they decide, the treasury, the audits.

import { all, BASE, get, post } from "./http.js";

const plain = (row) => row;

// ---------------------------------------------------------------- reading

export const consortium = () => get("/consortium");
export const members = () => all("/consortium/members", {}, plain);
export const proposals = () => all("/consortium/proposals", {}, plain);
export const reserve = () => get("/treasury");
export const deposits = () => all("/treasury/deposits", {}, plain);
export const withdrawals = () => all("/treasury/withdrawals", {}, plain);
export const audits = () => all("/audits", {}, plain);

/** What an account has failed to do in its last `windows`. */
export const lapses = (account, windows) => get(`/participants/${account}/lapses`, { windows });

/** An account's statement: `days`, a row each, the oldest first, and their `total`. */
export const statement = (account) => get(`/participants/${account}/statement`);

/** Where the same is to be had as CSV. */
export const csvOf = (account) => `${BASE}/participants/${account}/statement.csv`;

// ---------------------------------------------------------------- writing

/** The chain may be a moment behind the clock on the page: then the gateway waits for it. */
const SOON = { Prefer: "wait=5" };

/** Proposes calls `{contract, function, arguments}`; returns the proposal's id. */
export async function propose({ household, description, calls }) {
  const body = { from: household, description, calls };
  return (await post("/consortium/proposals", body)).proposal_id;
}

/** `support` is "for", "against" or "abstain". */
export function vote({ household, id, support }) {
  return post(`/consortium/proposals/${id}/votes`, { from: household, support }, SOON);
}

/** What has passed waits in the queue, then it is carried out. By anyone. */
export function queue({ household, id }) {
  return post(`/consortium/proposals/${id}/queue`, { from: household }, SOON);
}
export function execute({ household, id }) {
  return post(`/consortium/proposals/${id}/execution`, { from: household }, SOON);
}

/** Takes free money out of the market, into the household's purse. */
export function takeOut({ household, amount }) {
  return post("/balances/withdrawals", { from: household, amount });
}

/** Asks the treasurers to pay money of the purse out to a bank. */
export function requestWithdrawal({ household, amount, payoutHash }) {
  return post("/treasury/withdrawals", { from: household, amount, payout_hash: payoutHash });
}

/** Takes money back that was not paid out in time. By anyone. */
export function returnWithdrawal({ household, id }) {
  return post(`/treasury/withdrawals/${id}/returns`, { from: household });
}
