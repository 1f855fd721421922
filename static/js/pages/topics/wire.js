// One message as it crosses the network: a WebSocket frame, an event block, a poll's answer, byte by byte.
// Owns the framing of the three (RFC 6455 section 5.2, WHATWG HTML 9.2.6, RFC 9112 section 7.1) and its drawing.

import { render } from "preact";
import { html } from "./json.js";
import { rungName, text } from "../shared/page.js";

const FOLLOW_MS = 500; // a message that can be read before the next one takes its place
const bytesOf = (words) => new TextEncoder().encode(words).length;
const hex = (n) => n.toString(16).padStart(2, "0");

/** Return the parts of each form, [framing, message, framing]; a header of bytes is given as a list of them. */
export function forms(json, id, pollId) {
  const size = bytesOf(json);
  const line = id === undefined ? "" : `id: ${id}\n`;
  const block = bytesOf(`${line}data: ${json}\n\n`);
  return {
    ws: [frameHead(size), json, ""],
    sse: [`${block.toString(16)}\r\n${line}data: `, json, "\n\n\r\n"],
    poll: ['{"messages":[', json, `],"id":"${pollId}"}`],
  };
}

function frameHead(size) {
  if (size < 126) return [0x81, size];
  if (size < 65_536) return [0x81, 126, size >> 8, size & 255];
  return [0x81, 127, ...Array.from({ length: 8 }, (_, i) => Math.floor(size / 256 ** (7 - i)) & 255)];
}

const weight = (part) => (typeof part === "string" ? bytesOf(part) : part.length);
const visible = (words) => words.replaceAll("\r", "\\r").replaceAll("\n", "\\n");

export class Wire {
  #pollId;
  #headerBytes;
  #chosen = null;
  #newest = null;
  #timer = null;

  /** Draw into `place`; `pollId` is the cursor of a poll's answer, `headerBytes()` what the HTTP headers of one take. */
  constructor(place, pollId, headerBytes) {
    this.place = place;
    this.#pollId = pollId;
    this.#headerBytes = headerBytes;
  }

  /** Show the newest message, unless somebody has chosen one. */
  follow(entry) {
    if (this.#chosen) return;
    this.#newest = entry;
    if (this.#timer) return;
    this.#draw(entry);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#chosen && this.#newest !== entry) this.#draw(this.#newest);
    }, FOLLOW_MS);
  }

  show(entry) {
    this.#chosen = entry;
    this.#draw(entry);
  }

  #draw({ message, json, respelled }) {
    const kept = message.connection_id === undefined ? message.id : undefined;
    const pollId = kept === undefined ? this.#pollId : this.#pollId.replace(/-\d+/, `-${kept.split("-")[1]}`);
    const parts = forms(json, message.id, pollId);
    const most = Math.max(...Object.values(parts).map((all) => all.reduce((sum, part) => sum + weight(part), 0)));
    const headers = this.#headerBytes();
    render(
      html`<p class="wire-which"><strong>${message.type}</strong> · ${text("topic.bytes", { n: bytesOf(json) })}
          ${respelled && html`<span class="muted small">${text("topic.wire_respelled")}</span>`}</p>
        <div class="wires">
          <${Form} rung="ws" parts=${parts.ws} most=${most} what=${(n) => text("topic.wire_ws", { n })} note=${text("topic.wire_once")} />
          <${Form} rung="sse" parts=${parts.sse} most=${most} what=${(n) => text("topic.wire_sse", { n })} note=${text("topic.wire_once")} />
          <${Form} rung="poll" parts=${parts.poll} most=${most} what=${(n) => text("topic.wire_poll", { n })}
            note=${headers === null ? "" : text("topic.wire_headers", { n: headers })} />
        </div>`,
      this.place,
    );
  }
}

function Form({ rung, parts, most, what, note }) {
  const [before, inside, after] = parts.map(weight);
  const [total, extra] = [before + inside + after, before + after];
  return html`<article class="card wire-form" data-form=${rung} data-bytes=${total} data-extra=${extra}>
    <h3>${rungName(rung)}</h3>
    <p class="figure number">+${extra}</p>
    <p class="small">${what(extra)}</p>
    <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label=${text("topic.wire_total", { n: total, extra })}>
      <rect class="bar-inside" width=${(100 * inside) / most} height="4" />
      <rect class="bar-extra" x=${(100 * inside) / most} width=${(100 * extra) / most} height="4" />
    </svg>
    <pre class="raw" tabindex="0" aria-label=${rungName(rung)}>${parts.map((part, place) => html`<${Part} part=${part} framing=${place !== 1} />`)}</pre>
    <p class="small muted">${text("topic.wire_total", { n: total, extra })}. ${note}</p>
  </article>`;
}

function Part({ part, framing }) {
  if (typeof part !== "string") return part.map((byte) => html`<mark class="octet">${hex(byte)}</mark>`);
  return part && (framing ? html`<mark>${visible(part)}</mark>` : part);
}
