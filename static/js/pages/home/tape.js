// The last messages as they came in, type, topic and time: what a program on this connection would see.

import { seconds } from "../shared/page.js";

const KEPT = 8;
const UNTOLD = new Set(["pong", "ack", "published"]);

/** Keep the newest messages of `live` in the list `tape`, newest first. */
export function mountTape(tape, live) {
  const rows = tape.querySelector("ol");
  live.on("*", (message) => {
    if (UNTOLD.has(message.type)) return;
    tape.dataset.started = "true";
    rows.prepend(row(message));
    while (rows.children.length > KEPT) rows.lastElementChild.remove();
  });
}

function row(message) {
  const item = document.createElement("li");
  const cell = (name, content) => {
    const span = document.createElement("span");
    span.className = name;
    span.textContent = content;
    return span;
  };
  const data = message.data === undefined ? "" : JSON.stringify(message.data);
  item.append(
    cell("when", seconds(message.timestamp ?? Date.now())),
    cell("type", message.type),
    cell("topic", message.topic ?? "–"),
    cell("data", data),
  );
  return item;
}
