// The alerts a page knows: the open ones, the last closed ones, and the counts of the server.
// Pure: it must not touch the page or the network.

const OPEN_KEPT = 500;
const CLOSED_KEPT = 50;
const WORST_FIRST = ["critical", "warning", "info"];
const number = ({ id }) => Number(id.replace(/\D/g, ""));

export class AlertBook {
  #alerts = new Map();
  counts = { total: 0, critical: 0, warning: 0, info: 0 };

  /** Start again from a snapshot: the `counts`, and lists of `open` and `closed` alerts. */
  replace({ counts, open, closed }) {
    this.#alerts = new Map([...open, ...closed].map((alert) => [alert.id, alert]));
    this.counts = counts;
  }

  /** Take an alert as it is now; returns whether it is one that was not known. One that has closed stays so. */
  take(alert) {
    const known = this.#alerts.get(alert.id);
    if (known?.closed_at && !alert.closed_at) return false;
    this.#alerts.set(alert.id, alert);
    for (const surplus of [...this.open.slice(OPEN_KEPT), ...this.closed.slice(CLOSED_KEPT)]) this.#alerts.delete(surplus.id);
    return !known;
  }

  /** Take the counts of a message; its `data` may hold more. */
  count({ total, critical, warning, info }) {
    this.counts = { total, critical, warning, info };
  }

  /** Return the open alerts, the worst first, and of those the newest. */
  get open() {
    const rank = ({ severity }) => WORST_FIRST.indexOf(severity);
    return this.#those((alert) => !alert.closed_at).sort((a, b) => rank(a) - rank(b) || number(b) - number(a));
  }

  /** Return the closed alerts, the one that closed last first. */
  get closed() {
    return this.#those((alert) => alert.closed_at).sort(
      (a, b) => Date.parse(b.closed_at) - Date.parse(a.closed_at) || number(b) - number(a),
    );
  }

  /** Return the severity of what is open at a measure of a reservoir, null where nothing is. */
  severity(reservoirId, measure) {
    const there = (alert) => !alert.closed_at && alert.reservoir_id === reservoirId && alert.measure === measure;
    return this.#those(there)[0]?.severity ?? null;
  }

  #those(fit) {
    return [...this.#alerts.values()].filter(fit);
  }
}
