// Which household is open, kept in the address so that it can be linked to: #household/H06

const PREFIX = "#household/";

function read() {
  const { hash } = location;
  return hash.startsWith(PREFIX) ? decodeURIComponent(hash.slice(PREFIX.length)) : null;
}

export const route = $state({ household: read() });

addEventListener("hashchange", () => (route.household = read()));

export const linkTo = (household) => PREFIX + encodeURIComponent(household);

export function leave() {
  history.replaceState(null, "", location.pathname + location.search);
  route.household = null;
}
