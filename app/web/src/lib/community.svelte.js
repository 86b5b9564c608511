// What the page knows of the members and what is theirs to decide, as long as somebody looks at it.

import * as api from "./community-api.js";
import { later } from "./later.js";
import { market, onEvent } from "./market.svelte.js";

const READ_MS = 300;
const AGAIN_MS = 1000;

export const community = $state({
  ready: false,
  problem: "",
  about: null,
  members: [],
  proposals: [],
  reserve: null,
  deposits: [],
  withdrawals: [],
  audits: [],
});

const READ = {
  async members() {
    const [about, members, proposals] = await Promise.all([
      api.consortium(),
      api.members(),
      api.proposals(),
    ]);
    Object.assign(community, { about, members, proposals });
  },
  async money() {
    const [reserve, deposits, withdrawals] = await Promise.all([
      api.reserve(),
      api.deposits(),
      api.withdrawals(),
    ]);
    Object.assign(community, { reserve, deposits, withdrawals });
  },
  async audits() {
    community.audits = await api.audits();
  },
};

/** Which part an event of the live feed is about. */
const ABOUT = {
  membership: "members",
  consortium_proposal: "members",
  ballot: "members",
  proposal_step: "members",
  pause: "members",
  rule: "members",
  deposit_confirmation: "money",
  mint: "money",
  withdrawal_request: "money",
  payout_confirmation: "money",
  rejection: "money",
  withdrawal_end: "money",
  attestation: "money",
  doubt: "audits",
  reading_confirmation: "audits",
  correction_confirmation: "audits",
  correction: "audits",
  release: "audits",
};

let due = new Set();

const read = later(
  READ_MS,
  async () => {
    const parts = due;
    due = new Set();
    await Promise.all([...parts].map((part) => READ[part]()));
    community.ready = true;
    community.problem = "";
  },
  (problem) => (community.problem = problem.message),
);

/** Has parts read again: all of them, or those named. */
export function refresh(...parts) {
  for (const part of parts.length ? parts : Object.keys(READ)) due.add(part);
  read();
}

/** Whether time alone has changed what was read. */
function outdated() {
  const past = (moment) => moment < market.now - 1;
  return (
    community.proposals.some(
      ({ state, vote_start, vote_end }) =>
        (state === "pending" && past(vote_start)) || (state === "active" && past(vote_end)),
    ) || community.audits.some(({ state, until }) => state === "held" && past(until))
  );
}

/** Follows the members until the returned function is called. */
export function watch() {
  const stopEffects = $effect.root(() => {
    // Anew after every connection: the street may have moved on without us.
    $effect(() => {
      if (market.connection === "live") refresh();
    });
    // The gateway's clock may be a little behind the page's: then once is not enough.
    const old = $derived(outdated());
    $effect(() => {
      if (!old) return;
      const again = setInterval(() => refresh("members", "audits"), AGAIN_MS);
      return () => clearInterval(again);
    });
  });
  const stopEvents = onEvent((kind) => {
    if (kind in ABOUT) refresh(ABOUT[kind]);
  });
  return () => {
    stopEvents();
    stopEffects();
  };
}

export const isMember = (account) =>
  community.members.some((each) => each.account === account && each.is_member);
