// What the two charts have in common.

import uPlot from "uplot";

import { day, timeOfDay } from "./units.js";

const FONT = '13px "Hanken Grotesk", system-ui, sans-serif';

/** Axes in the page's colours; `unit` stands at the top of the value axis. */
export function axes(colour, zone, format, space = 34) {
  const common = {
    stroke: colour("ink-2"),
    font: FONT,
    ticks: { show: false },
    grid: { stroke: colour("line"), width: 1 },
  };
  return [
    {
      ...common,
      grid: { show: false },
      space: 64,
      size: 44,
      incrs: [3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600],
      values: (u, splits) =>
        splits.map((t, i) => {
          const time = timeOfDay(t, zone);
          return i === 0 || time === "00:00" ? `${time}\n${day(t, zone)}` : time;
        }),
    },
    { ...common, size: 48, gap: 6, space, values: (u, splits) => splits.map(format) },
  ];
}

export const zoned = (zone) => (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone);

/** Bars that fill their hour, with `inset` of it left free. */
export function bars(inset = 0.24) {
  return uPlot.paths.bars({ size: [1 - inset, 64], align: 0 });
}
