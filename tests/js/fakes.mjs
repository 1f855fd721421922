// A clock that is turned by hand and transports that do what a test tells them: for the decisions of
// the client under exact timing. What happens on a real network is tested in a real browser.

export class FakeWorld {
  constructor() {
    this.time = 1_000_000;
    this.hidden = false;
    this.memory = new Map();
    this.timers = new Map();
    this.connections = [];
    this.behaviour = { ws: () => {}, sse: () => {}, poll: () => {} };
    this.page = null;
    this.count = 0;
  }

  environment() {
    const open = (name) => (request, handlers) => this.#open(name, request, handlers);
    return {
      now: () => this.time,
      random: () => 0.5,
      setTimeout: (act, ms) => {
        this.count += 1;
        this.timers.set(this.count, { at: this.time + ms, act });
        return this.count;
      },
      clearTimeout: (timer) => this.timers.delete(timer),
      isHidden: () => this.hidden,
      watch: (hooks) => {
        this.page = hooks;
        return () => {
          this.page = null;
        };
      },
      recall: (name) => this.memory.get(name) ?? null,
      remember: (name, value) => (value === null ? this.memory.delete(name) : this.memory.set(name, value)),
      origin: "http://localhost:8000",
      transports: { ws: open("ws"), sse: open("sse"), poll: open("poll") },
    };
  }

  #open(name, request, handlers) {
    const connection = new FakeConnection(name, request, handlers, this);
    this.connections.push(connection);
    queueMicrotask(() => connection.state === "live" && this.behaviour[name](connection));
    return connection.face();
  }

  /** Live connections, newest last. */
  get live() {
    return this.connections.filter((connection) => connection.state === "live");
  }

  get last() {
    return this.connections.at(-1);
  }

  /** Lets `ms` pass, firing timers in order, with all promises settled in between. */
  async pass(ms) {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const due = [...this.timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [id, { at, act }] = due;
      this.timers.delete(id);
      this.time = Math.max(this.time, at);
      act();
      await settle();
    }
    this.time = end;
  }
}

class FakeConnection {
  constructor(name, request, handlers, world) {
    Object.assign(this, { name, request, handlers, world, state: "live", sent: [] });
    this.id = `c${world.connections.length}`;
  }

  face() {
    const duplex = this.name === "ws";
    const { topics, fresh } = this.request;
    return {
      topics: duplex ? topics.filter((topic) => !fresh.includes(topic)) : topics,
      duplex,
      heartbeats: this.name !== "poll",
      send: (message) => this.sent.push(message),
      close: ({ orderly }) => {
        this.state = orderly ? "left" : "dropped";
      },
    };
  }

  /** What the client sent, but for pings. */
  get said() {
    return this.sent.filter((message) => message.type !== "ping");
  }

  welcome(fields = {}) {
    const { topics, since } = this.request;
    const topic = topics.length === 1 ? { topic: topics[0] } : {};
    const id = since ?? "e-0";
    this.tell({ type: "connected", connection_id: this.id, heartbeat: 30, id, ...topic, ...fields });
    if (topics.length > 1) for (const each of topics) this.tell({ type: "connected", topic: each });
  }

  tell(message) {
    this.handlers.message(message);
  }

  reply(message) {
    this.handlers.reply(message);
  }

  end(end) {
    this.handlers.end({ kind: "failed", code: null, retryAfter: null, error: null, seen: "told to", ...end });
  }
}

export async function settle() {
  for (let i = 0; i < 20; i += 1) await null;
}
