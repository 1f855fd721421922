// The inventory as this page knows it: what the snapshot held, and every change since, whichever way it was heard of.
// A product's version only grows and an id is never given twice, so news may come twice, or late. Knows no network.

import { computed, signal } from "@preact/signals";
import { cents } from "./fields.js";

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export class Inventory {
  /** Map(id → product), and those that are gone but still edited here, under keys of their own: another may get the id
   *  where the server has a new database. */
  products = signal(new Map());
  filter = signal("");
  /** The ids that changed while one looks. */
  fresh = new Set();
  #deleted = new Set();
  #editing = new Set();

  /** Newest first; `gone` ones are deleted and stay while they are being edited. */
  all = computed(() => [...this.products.value.values()].sort((one, other) => other.id - one.id));
  here = computed(() => this.all.value.filter((product) => !product.gone));
  shown = computed(() => {
    const wanted = plain(this.filter.value.trim());
    const matches = ({ id, nombre, descripcion }) => `#${id}` === wanted || plain(`${id} ${nombre} ${descripcion}`).includes(wanted);
    return this.all.value.filter((product) => this.#editing.has(product.id) || matches(product));
  });
  sums = computed(() => {
    let [units, value] = [0n, 0n];
    for (const { precio, stock } of this.here.value) {
      units += BigInt(stock);
      value += cents(precio) * BigInt(stock);
    }
    return { products: this.here.value.length, units, value };
  });

  constructor(products) {
    this.products.value = new Map(products.map((product) => [product.id, product]));
  }

  /** Take `product` unless it is known in a newer version, or deleted. */
  put(product) {
    const known = this.products.value.get(product.id);
    if (this.#deleted.has(product.id) || (known && known.version >= product.version)) return;
    this.fresh.add(product.id);
    this.products.value = new Map(this.products.value).set(product.id, product);
  }

  /** Take note that the product `id` is deleted. */
  remove(id) {
    this.#deleted.add(id);
    const known = this.products.value.get(id);
    if (!known) return;
    const products = new Map(this.products.value);
    products.delete(id);
    if (this.#editing.has(id)) products.set(`gone ${id}`, { ...known, gone: true });
    this.products.value = products;
  }

  /** Take note that somebody at this page edits the product `id`, or does no more; one that is gone by then goes. */
  edit(id, editing) {
    if (editing) this.#editing.add(id);
    else this.#editing.delete(id);
    const products = new Map(this.products.value);
    if (!editing) products.delete(`gone ${id}`);
    this.products.value = products;
  }

  /** Start again from a snapshot; what was heard while it was on its way is to be told once more, in order. */
  replace(products) {
    this.#deleted.clear();
    const edited = this.all.value.filter(({ id }) => this.#editing.has(id));
    const here = new Map(products.map((product) => [product.id, product]));
    for (const product of edited) {
      const same = here.get(product.id)?.created_at === product.created_at;
      if (!same) here.set(`gone ${product.id}`, { ...product, gone: true });
    }
    this.products.value = here;
  }
}
