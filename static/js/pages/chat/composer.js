// The writing end of a room: the text, the typing signal, and messages shown before the server has them.
// A message stays visible until it is stored or given up; it is never dropped silently.

import { text, why } from "../shared/page.js";

const SIGNAL_EVERY_MS = 3000;
const QUIET_MS = 5000;
const LIMIT = 4000;
const INVALID = "invalid_content"; // the one refusal of the server that the writer can mend
const WARN_AT = 300;

/** Wire `form` to `talk` (a RoomTalk); `send(message)` settles with the server's answer. Returns {retry, discard}. */
export function mountComposer(form, talk, send) {
  const field = form.elements.content;
  const left = form.querySelector("#left");
  const typing = typingSignal((is_typing) => send({ type: "typing", is_typing }).catch(() => {})); // a lost signal is no loss
  let posted = 0;

  const deliver = async (key, content) => {
    try {
      const answer = await send({ type: "message", content });
      talk.mark(key, { state: "sent", id: answer.message_id ?? answer.data?.message_id });
    } catch (error) {
      const told = error.code === INVALID ? text("chat.invalid_content", { limit: LIMIT }) : why(error);
      talk.mark(key, { state: "failed", why: told });
    }
  };
  const submit = () => {
    const content = field.value.trim();
    if (!content) return;
    field.value = "";
    update();
    typing.stop();
    post(content);
  };
  const post = (content) => {
    const key = `pending ${(posted += 1)}`;
    talk.post(key, content);
    deliver(key, content);
  };
  const update = () => {
    const rest = LIMIT - field.value.length;
    left.textContent = rest <= WARN_AT ? text("chat.left", { n: rest }) : "";
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    field.focus();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  field.addEventListener("input", () => {
    update();
    if (field.value.trim()) typing.start();
    else typing.stop();
  });
  field.addEventListener("blur", typing.stop);
  return {
    retry: (entry) => {
      talk.drop(entry.key);
      post(entry.content);
    },
    discard: (entry) => talk.drop(entry.key),
  };
}

/** Say that somebody types at most every 3 s, and that they stopped after 5 s of quiet. */
function typingSignal(tell) {
  let told = -Infinity;
  let quiet = null;
  const stop = () => {
    clearTimeout(quiet);
    if (told === -Infinity) return;
    told = -Infinity;
    tell(false);
  };
  const start = () => {
    clearTimeout(quiet);
    quiet = setTimeout(stop, QUIET_MS);
    if (performance.now() - told < SIGNAL_EVERY_MS) return;
    told = performance.now();
    tell(true);
  };
  return { start, stop };
}
