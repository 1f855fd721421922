// Beginning anew from a snapshot while the stream goes on. Pure: it must not touch the page or the network.

/**
 * Return what begins anew: `load` fetches a snapshot, `show` takes it over. What comes meanwhile may be missing in it, so `take` is told
 * of that once more afterwards. One that cannot be had is asked for again `retry` ms later.
 */
export function anew({ load, show, take, retry }) {
  let heard = null; // since the snapshot was asked for
  let begun = 0;

  async function attempt() {
    const mine = begun;
    heard = [];
    let snapshot;
    try {
      snapshot = await load();
    } catch {
      setTimeout(() => mine === begun && attempt(), retry);
      return;
    }
    if (mine !== begun) return;
    show(snapshot);
    const missed = heard;
    heard = null;
    missed.forEach(take);
  }

  return {
    hear(message) {
      heard?.push(message);
      take(message);
    },
    begin() {
      begun += 1;
      return attempt();
    },
  };
}
