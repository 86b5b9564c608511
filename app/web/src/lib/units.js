// The only place where the gateway's integers become words, and typed text becomes integers.
// Energy in Wh, money in 1e-6 of the currency, prices in money per kWh, times in seconds.

const LOCALE = "en-GB";
const MINUS = "\u2212";
const WH_PER_KWH = 1_000;
const WH_PER_MWH = 1_000_000;
const MONEY_UNIT = 1_000_000;
const CENT = 10_000;
/** Decimals that a kWh and a cent price can have and still be whole Wh and whole money units. */
export const ENERGY_DECIMALS = 3;
export const PRICE_DECIMALS = 4;
/** Nobody types less than a cent. */
export const MONEY_DECIMALS = 2;

const fixed = (decimals) =>
  new Intl.NumberFormat(LOCALE, {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
const numbers = [0, 1, 2, 3].map(fixed);
const upTo = [0, 1, 2, 3, 4].map(
  (decimals) =>
    new Intl.NumberFormat(LOCALE, { maximumFractionDigits: decimals, useGrouping: false }),
);

function signed(value, text) {
  return value < 0 ? MINUS + text : text;
}

/** 3.2 kWh; from 1000 kWh on in MWh. */
export function energy(wh) {
  const size = Math.abs(wh);
  if (size >= WH_PER_MWH) return signed(wh, `${numbers[2].format(size / WH_PER_MWH)} MWh`);
  return signed(wh, `${numbers[size > 0 && size < 100 ? 3 : 1].format(size / WH_PER_KWH)} kWh`);
}

/** Kilowatt-hours as a number, for charts. */
export function kwh(wh) {
  return wh / WH_PER_KWH;
}

const currencies = new Map();

function currencyFormat(currency, decimals) {
  const key = `${currency} ${decimals}`;
  if (!currencies.has(key)) {
    currencies.set(
      key,
      new Intl.NumberFormat(LOCALE, {
        style: "currency",
        currency,
        minimumFractionDigits: decimals,
        maximumFractionDigits: decimals,
      }),
    );
  }
  return currencies.get(key);
}

/** €12.34; `exact` shows all six decimals that are not zero. */
export function money(amount, currency, { exact = false, plus = false } = {}) {
  const size = Math.abs(amount);
  let decimals = 2;
  if (exact) while (decimals < 6 && size % 10 ** (6 - decimals) !== 0) decimals += 1;
  const text = currencyFormat(currency, decimals).format(size / MONEY_UNIT);
  return amount < 0 ? MINUS + text : plus && amount > 0 ? `+${text}` : text;
}

/** Money from a whole number of cents. */
export function amountOf(whole) {
  return whole * CENT;
}

/** 21.3 ct, the price of one kWh. */
export function price(perKwh) {
  return `${numbers[1].format(perKwh / CENT)} ct`;
}

/** Cents per kWh as a number, for charts. */
export function cents(perKwh) {
  return perKwh / CENT;
}

/** A price or an energy as it would be typed into a field. */
export function centsText(perKwh) {
  return upTo[4].format(perKwh / CENT);
}
export function kwhText(wh) {
  return upTo[3].format(wh / WH_PER_KWH);
}

/** A whole number with separators. */
export function count(value) {
  return numbers[0].format(value);
}

export function percent(part) {
  return `${numbers[0].format(part * 100)}%`;
}

/**
 * Typed decimal text to an integer of 10^-decimals, exactly.
 * @returns {{value: number} | {problem: string}}
 */
export function parseDecimal(text, decimals) {
  const match = /^(\d{1,9})(?:[.,](\d*))?$/.exec(text.trim());
  if (!match) return { problem: "Please type a number, such as 2.5." };
  const fraction = match[2] ?? "";
  if (fraction.length > decimals) {
    return { problem: `No more than ${decimals} digits after the point, please.` };
  }
  return { value: Number(match[1] + fraction.padEnd(decimals, "0")) };
}

// ------------------------------------------------------------------ times

const clocks = new Map();

function clockFormat(zone, name, options) {
  const key = `${zone} ${name}`;
  if (!clocks.has(key)) {
    clocks.set(key, new Intl.DateTimeFormat(LOCALE, { timeZone: zone, ...options }));
  }
  return clocks.get(key);
}

const at = (seconds) => new Date(seconds * 1000);

/** 11:24 */
export function timeOfDay(seconds, zone) {
  return clockFormat(zone, "time", { hour: "2-digit", minute: "2-digit" }).format(at(seconds));
}

/** Wed 11 May */
export function day(seconds, zone) {
  return clockFormat(zone, "day", { weekday: "short", day: "numeric", month: "short" })
    .format(at(seconds))
    .replace(",", "");
}

/** Wednesday 11 May 2016 */
export function longDay(seconds, zone) {
  return clockFormat(zone, "long", {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  })
    .format(at(seconds))
    .replace(",", "");
}

/** The hour of the day, 0 to 23. */
export function hourOfDay(seconds, zone) {
  return Number(
    clockFormat(zone, "hour", { hour: "2-digit", hourCycle: "h23" }).format(at(seconds)),
  );
}

/** 11:00–12:00 */
export function span(start, end, zone) {
  return `${timeOfDay(start, zone)}\u2013${timeOfDay(end, zone)}`;
}

/** 42:17, or 3 h 05 from an hour on. */
export function countdown(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  const two = (value) => String(value).padStart(2, "0");
  if (left >= 3600) return `${Math.floor(left / 3600)} h ${two(Math.floor((left % 3600) / 60))}`;
  return `${two(Math.floor(left / 60))}:${two(left % 60)}`;
}

const SPANS = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** 6 hours, 90 minutes, 3 days: whole numbers of the largest unit that fits. */
export function duration(seconds) {
  const [size, name] = SPANS.find(([unit]) => seconds >= unit && seconds % unit === 0) ?? SPANS[3];
  const number = Math.round(seconds / size);
  return `${count(number)} ${name}${number === 1 ? "" : "s"}`;
}

/** How fast market time passes, for people. */
export function pace(speed) {
  if (speed === null || speed === 1) return "in real time";
  const seconds = 3600 / speed;
  if (seconds < 1) return `${count(speed / 3600)} hours pass in a second`;
  if (seconds < 90) return `an hour passes in ${upTo[seconds < 10 ? 1 : 0].format(seconds)} s`;
  return `an hour passes in ${upTo[0].format(seconds / 60)} min`;
}

/** 0x12ab…9f01 */
export function short(hash) {
  return `${hash.slice(0, 6)}\u2026${hash.slice(-4)}`;
}

/** Money for energy, rounded up: what is locked or charged (as the contracts do it). */
export function costUp(wh, perKwh) {
  return Number((BigInt(wh) * BigInt(perKwh) + 999n) / 1000n);
}

/** Money for energy, rounded down: what is paid out. */
export function costDown(wh, perKwh) {
  return Number((BigInt(wh) * BigInt(perKwh)) / 1000n);
}
