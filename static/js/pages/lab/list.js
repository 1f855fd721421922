// The list of the lessons: which ones this browser has done.

import { remembered } from "./memory.js";
import { text } from "../shared/page.js";
import "../shared/plain.js";

for (const lesson of document.querySelectorAll("[data-lesson]")) {
  const { predict, done } = remembered(lesson.dataset.lesson);
  if (!predict && !done) continue;
  const words = text(done ? "labpage.done" : "labpage.begun");
  lesson.dataset.progress = done ? "done" : "begun";
  lesson.querySelector("h3").append(" ", Object.assign(document.createElement("span"), { className: "lab-progress", textContent: words }));
}
