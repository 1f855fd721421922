// One button on `live/hola`: whoever presses it, a ring goes out in every window that is open.
// A signal is not kept, so the number is of the claps this window has seen.

import { text, why } from "../shared/page.js";

const TOPIC = "live/hola";
const MOST_RINGS = 12;

/** Make the clap card `card` (button, number, note) live. */
export function mountClap(card, live) {
  const button = card.querySelector("button");
  const number = card.querySelector("[data-count]");
  const note = card.querySelector("[role=status]");
  let count = 0;

  live.on("clap", (message) => {
    if (message.topic && message.topic !== TOPIC) return;
    count += 1;
    number.textContent = count;
    ring(button);
  });
  button.addEventListener("click", () => {
    note.textContent = "";
    live.send(TOPIC, { type: "clap", data: {} }).catch((error) => {
      note.textContent = text("home.clap_failed", { why: why(error) });
    });
  });
}

function ring(button) {
  if (button.querySelectorAll(".ring").length >= MOST_RINGS) return;
  const circle = document.createElement("span");
  circle.className = "ring";
  circle.addEventListener("animationend", () => circle.remove());
  button.append(circle);
}
