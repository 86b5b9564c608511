// The colour of the sky for each hour of the day, as a mix of three tokens.

const MIX = [
  ["night"],
  ["night"],
  ["night"],
  ["night"],
  ["night"],
  ["night", "dawn", 55],
  ["dawn"],
  ["dawn", "noon", 60],
  ["noon"],
  ["noon"],
  ["noon"],
  ["noon"],
  ["noon"],
  ["noon"],
  ["noon"],
  ["noon"],
  ["noon"],
  ["dawn", "noon", 60],
  ["dawn"],
  ["night", "dawn", 55],
  ["night"],
  ["night"],
  ["night"],
  ["night"],
];

/** A CSS colour. */
export function sky(hour) {
  const [first, second, share] = MIX[hour];
  return second
    ? `color-mix(in oklab, var(--${first}), var(--${second}) ${share}%)`
    : `var(--${first})`;
}
