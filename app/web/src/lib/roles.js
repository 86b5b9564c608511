// What a participant has behind its meter.

const SOLAR = { icon: "solar", name: "Solar panels" };
const BATTERY = { icon: "battery", name: "Battery" };
const CONSUMER = { icon: "consumer", name: "Consumer" };

export function rolesOf(person) {
  if (!person) return [];
  const roles = [];
  if (person.solar) roles.push(SOLAR);
  if (person.battery || person.kind === "storage") roles.push(BATTERY);
  if (roles.length === 0) roles.push(CONSUMER);
  return roles;
}
