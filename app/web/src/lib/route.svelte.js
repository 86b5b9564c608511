// What the address says: which view is open (#/community; the market otherwise), and over it which
// household (#household/H06).

const HOUSEHOLD = "#household/";
export const COMMUNITY = "#/community";

/** Its main part, to which one can skip. */
const COMMUNITY_PART = "#community";

/** A household is shown over the view that is open. */
function viewOf(hash, open) {
  if (hash.startsWith(HOUSEHOLD)) return open;
  return [COMMUNITY, COMMUNITY_PART].includes(hash) ? "community" : "market";
}

const householdOf = (hash) =>
  hash.startsWith(HOUSEHOLD) ? decodeURIComponent(hash.slice(HOUSEHOLD.length)) : null;

export const route = $state({
  view: viewOf(location.hash, "market"),
  household: householdOf(location.hash),
});

addEventListener("hashchange", () => {
  route.view = viewOf(location.hash, route.view);
  route.household = householdOf(location.hash);
});

export const linkTo = (household) => HOUSEHOLD + encodeURIComponent(household);

/** Closes the household. */
export function leave() {
  const { pathname, search } = location;
  history.replaceState(null, "", pathname + search + (route.view === "community" ? COMMUNITY : ""));
  route.household = null;
}
