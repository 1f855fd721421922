// Where the reader is in the conversation: keeps that place while messages come in above and below, asks for older ones
// near the top, and says what has been read: the last message, in a window that is seen and has the focus.
// The scroller is a reversed column: scrollTop is 0 at the newest message and negative above it.

import { text } from "../shared/page.js";

const NEAR_END = 60;
const NEAR_TOP = 400;
const READ_AFTER_MS = 250;

/** Watch `scroller`; `onOlder()` loads what is above, `onRead(message)` tells the others. Returns {settled, check}. */
export function mountScroll({ scroller, toEnd, talk, onOlder, onRead }) {
  let height = scroller.scrollHeight;
  let last = lastKey(talk);
  let newestSeen = talk.last.value?.id ?? 0;
  let below = 0;
  let readTo = 0;
  let timer = null;
  const atEnd = () => scroller.scrollTop > -NEAR_END;

  const showEnd = () => {
    if (atEnd()) below = 0;
    toEnd.hidden = atEnd();
    toEnd.textContent = below ? text("chat.new_below", { n: below }) : text("chat.to_end");
  };
  const check = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const message = talk.last.value;
      const seen = atEnd() && document.visibilityState === "visible" && document.hasFocus();
      if (!seen || !message || talk.isMe(message.user_id) || message.id <= readTo) return;
      readTo = message.id;
      onRead(message).catch(() => (readTo = 0)); // told again at the next chance
    }, READ_AFTER_MS);
  };
  const onScroll = () => {
    const above = scroller.scrollHeight - scroller.clientHeight + scroller.scrollTop;
    if (above < NEAR_TOP && talk.older.value === "idle") onOlder();
    showEnd();
    check();
  };
  /** Keep what is being read in its place after the list was drawn, whatever came in below. */
  const settled = () => {
    const grown = scroller.scrollHeight - height;
    const newest = lastKey(talk);
    if (newest !== last && grown > 0 && !atEnd()) {
      scroller.scrollTop -= grown;
      below += talk.messages.value.filter((message) => message.id > newestSeen).length;
    }
    if (newest !== last && typeof newest === "string") scroller.scrollTop = 0; // one's own words are always shown
    height = scroller.scrollHeight;
    last = newest;
    newestSeen = talk.last.value?.id ?? 0;
    onScroll();
  };

  scroller.addEventListener("scroll", onScroll, { passive: true });
  toEnd.addEventListener("click", () => scroller.scrollTo({ top: 0, behavior: "smooth" }));
  addEventListener("focus", check);
  document.addEventListener("visibilitychange", check);
  return { settled, check };
}

/** Return the newest thing in the list: a pending entry's key (a string) or the last message's id (a number). */
function lastKey(talk) {
  return talk.pending.value.at(-1)?.key ?? talk.last.value?.id ?? null;
}
