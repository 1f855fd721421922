// Movements as this window knows them, of one account or of the whole bank, and the balance after the last of them.
// Pure state in signals; every change may be applied twice, in any order. It must not touch the page or the network.

import { signal } from "@preact/signals";

export const PAGE = 50; // movements, of the snapshot and of each page of earlier ones

export class KnownMovements {
  #newest = 0;
  #most;

  /** Hold `movements`, newest first; at most `most` are kept, for a window that stays open for days. */
  constructor({ movements, most = Infinity }) {
    this.#most = most;
    this.balance = signal(null);
    this.movements = signal([]);
    this.fresh = signal(new Set()); // ids of those that came live
    this.older = signal("idle"); // idle | loading | failed | end
    this.replace({ movements });
  }

  /** Begin again from a snapshot. The balance is the one after its newest movement: asked for by itself, it could be an
   *  older one, which no event would put right. */
  replace({ movements }) {
    this.balance.value = movements[0]?.saldo ?? null;
    this.movements.value = [];
    this.#newest = movements[0]?.transaccion_id ?? 0;
    this.addOlder(movements);
  }

  /** Take a page of earlier movements. */
  addOlder(movements) {
    this.#merge(movements);
    const isFull = this.movements.value.length >= this.#most;
    this.older.value = movements.length < PAGE || isFull ? "end" : "idle";
  }

  /** Take a movement that came live; returns whether it was news. */
  arrive(movement) {
    const isNew = this.settle(movement.transaccion_id, movement.saldo);
    if (isNew) this.fresh.value = new Set([...this.fresh.value, movement.transaccion_id].slice(-PAGE));
    this.#merge([movement]);
    return isNew;
  }

  /** Know the balance after the movement `id`, unless a later one is known; returns whether it was news. */
  settle(id, balance) {
    if (id <= this.#newest) return false;
    this.#newest = id;
    this.balance.value = balance;
    return true;
  }

  #merge(movements) {
    const byId = new Map(this.movements.value.map((movement) => [movement.transaccion_id, movement]));
    for (const movement of movements) byId.set(movement.transaccion_id, movement);
    const ordered = [...byId.values()].sort((a, b) => b.transaccion_id - a.transaccion_id);
    this.movements.value = ordered.slice(0, this.#most);
  }
}
