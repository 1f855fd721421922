// The form that publishes into an open topic. Owns what is wrong with its fields and what was answered.

import { text, why } from "../shared/page.js";

const LONGEST_TYPE = 64;

/** Wire `form` (type, data) to `live`, for `topic`. */
export function mountPublish(form, live, topic) {
  const said = form.querySelector("[role=status]");
  const button = form.querySelector("button[type=submit]");
  const mark = (name, wrong) => {
    const field = form.elements[name];
    field.setAttribute("aria-invalid", String(wrong !== ""));
    document.getElementById(`${field.id}-wrong`).textContent = wrong;
    if (wrong) field.focus();
    return wrong === "";
  };
  const send = async (message) => {
    button.disabled = true;
    tell(said, text("topic.sending"));
    try {
      const answer = await live.send(topic, message);
      if (answer.type === "published" || answer.type === "ack") tell(said, text("topic.sent"));
      else tell(said, `${text("topic.answered")} ${answer.type} ${JSON.stringify(answer.data)}`);
    } catch (error) {
      tell(said, text("topic.not_sent", { why: why(error) }), "bad");
    }
    button.disabled = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const type = form.elements.type.value.trim();
    const { data, why } = parsed(form.elements.data.value);
    const fits = [mark("data", why), mark("type", type && type.length <= LONGEST_TYPE ? "" : text("topic.no_type"))];
    if (fits.every(Boolean)) send(data === undefined ? { type } : { type, data });
    else tell(said, "");
  });
}

function tell(place, words, how = "") {
  place.textContent = words;
  place.className = how ? `small ${how}` : "small";
}

/** Return the JSON in the field; nothing where there is nothing. */
function parsed(words) {
  if (!words.trim()) return { data: undefined, why: "" };
  try {
    return { data: JSON.parse(words), why: "" };
  } catch (error) {
    return { data: undefined, why: text("topic.not_json", { why: error.message }) };
  }
}
