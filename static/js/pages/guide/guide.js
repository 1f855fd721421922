// A page of the guide: code is copied with a button, the search answers while one types, the whole guide is printed.

import { mountSearch } from "./search.js";
import { mountSide } from "./side.js";
import { copy } from "../shared/copy.js";
import { text } from "../shared/page.js";
import "../shared/plain.js";

const TOLD_MS = 1800;

function mountCopy(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button copy";
  button.textContent = text("guide.copy");
  button.addEventListener("click", async () => {
    button.textContent = text((await copy(block.querySelector("code"))) ? "guide.copied" : "guide.copy_failed");
    setTimeout(() => (button.textContent = text("guide.copy")), TOLD_MS);
  });
  block.append(button);
}

for (const block of document.querySelectorAll(".guide-text .code")) mountCopy(block);

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

const search = document.getElementById("guide-search");
if (search) mountSearch(search);

const side = document.querySelector(".guide-side");
if (side) mountSide(side);
