// What a room says about its connection, and the number of unread messages in the window's title.

import { text } from "../shared/page.js";

const NO_SUCH_TOPIC = 4404;

/** Keep `notice` and the document's title true for `room` ({name}); `talk` is its RoomTalk. */
export function mountStatus({ live, talk, notice, room }) {
  const title = document.title;
  let unread = 0;
  let wasConnected = false;

  const show = (status) => {
    wasConnected ||= status.state === "connected";
    const words = noticeOf(status, wasConnected);
    notice.hidden = !words;
    notice.textContent = words ?? "";
    notice.classList.toggle("bad", status.state === "closed");
  };
  show(live.status);
  live.on("status", show);
  live.on("message", ({ data }) => {
    if (document.visibilityState === "visible" || talk.isMe(data.user_id)) return;
    unread += 1;
    document.title = `(${unread}) ${room.name}`;
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    unread = 0;
    document.title = title;
  });
}

function noticeOf(status, wasConnected) {
  if (status.state === "closed")
    return status.code === NO_SUCH_TOPIC ? text("chat.gone") : text("chat.closed", { code: status.code ?? "–" });
  if (status.state === "waiting" || (status.state === "connecting" && wasConnected)) return text("chat.offline");
  return null;
}
