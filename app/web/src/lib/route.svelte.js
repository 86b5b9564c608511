// What the address says: which view is open (#/community, #/private; the market otherwise), and over
// it which household (#household/H06).

const HOUSEHOLD = "#household/";
/** The views beside the market, by their addresses; each has a main part, to which one can skip. */
export const VIEWS = { community: "#/community", private: "#/private" };

/** A household is shown over the view that is open. */
function viewOf(hash, open) {
  if (hash.startsWith(HOUSEHOLD)) return open;
  const names = Object.keys(VIEWS);
  return names.find((name) => [VIEWS[name], `#${name}`].includes(hash)) ?? "market";
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
  history.replaceState(null, "", pathname + search + (VIEWS[route.view] ?? ""));
  route.household = null;
}
