// Something that the server searches in many runs, a hunt or a sweep: it is begun, followed over the live connection, and
// cancelled. It knows what is told of one, and not what is drawn of it.

import { api, text } from "../shared/page.js";

const ENDS = new Set(["result", "failed", "stopped"]);

export class Search {
  state = "idle"; // idle, running, result, stopped, failed
  progress = { done: 0, of: 0, broken: 0 };
  result = null;
  message = "";
  #live;
  #path;
  #changed;
  #id = null;
  #stop = null;

  /** `path` is where it is begun; `changed` is called when there is something new to draw. */
  constructor(live, path, changed) {
    this.#live = live;
    this.#path = path;
    this.#changed = changed;
  }

  async begin(body) {
    this.cancel();
    this.#set({ state: "running", progress: { done: 0, of: 0, broken: 0 }, result: null, message: "" });
    const mine = (this.#id = {});
    try {
      const { id, topic } = await this.#ask(body);
      if (this.#id !== mine) return this.#drop(id);
      this.#id = id;
      this.#follow(topic);
    } catch (error) {
      if (this.#id === mine) this.#set({ state: "failed", message: error.message });
    }
  }

  cancel() {
    if (this.state !== "running") return;
    if (typeof this.#id === "string") this.#drop(this.#id);
    this.#end("stopped");
  }

  async #ask(body) {
    const answer = await fetch(this.#path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).catch(() => null);
    const told = await answer?.json().catch(() => null);
    if (answer?.ok) return told.data ?? told;
    const fields = Object.values(told?.error?.fields ?? {}).flat().join(". ");
    throw new Error(!answer ? text("live.unreachable") : answer.status === 503 ? text("labpage.busy", { s: answer.headers.get("Retry-After") ?? 1 }) : fields || told?.error?.message || answer.statusText);
  }

  #drop(id) {
    api(`${this.#path}/${id}`, { method: "DELETE" }).catch(() => null);
  }

  #follow(topic) {
    const live = this.#live();
    const off = live.on("*", (message) => message.topic === topic && this.#hear(message));
    live.subscribe(topic);
    this.#stop = () => {
      off();
      live.unsubscribe(topic);
    };
  }

  #hear({ type, data }) {
    if (type === "progress") this.#set({ progress: data });
    else if (ENDS.has(type)) this.#end(type, data);
  }

  #end(state, data = null) {
    this.#stop?.();
    this.#stop = this.#id = null;
    this.#set({ state, result: state === "result" ? data : null, message: data?.message ?? "" });
  }

  #set(more) {
    Object.assign(this, more);
    this.#changed();
  }
}
