// Work that many small things ask for, done once for all of them.

/**
 * A function that starts `work` `delay` ms after its first call; calls meanwhile add nothing, and
 * calls during the work have it done once more.
 * @param {(error: Error) => void} failed
 */
export function later(delay, work, failed) {
  let planned = false;
  let busy = false;
  const ask = () => {
    if (planned) return;
    planned = true;
    setTimeout(begin, delay);
  };
  const begin = async () => {
    if (busy) {
      setTimeout(begin, delay);
      return;
    }
    planned = false;
    busy = true;
    try {
      await work();
    } catch (error) {
      failed(error);
    } finally {
      busy = false;
    }
  };
  return ask;
}
