// The form that asks for a name, in the place of the composer until there is one, and the button that opens it again.
// A new name is a new identity for the connection, so the page starts anew with it.

import { text } from "../shared/page.js";
import { introduce } from "../shared/visitor.js";

/** Show `composer` to the visitor `me` ({user_id, username}), or `form` to somebody without a name (null). */
export function mountName({ form, composer, rename, note, me }) {
  const field = form.elements.username;
  const show = (asking) => {
    form.hidden = !asking;
    composer.hidden = asking;
  };
  show(me === null);
  if (me) {
    note.textContent = text("chat.writing_as", { name: me.username });
    field.value = me.username;
  }
  rename.addEventListener("click", () => {
    show(true);
    field.select();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !me) return;
    show(false);
    rename.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const username = field.value.trim();
    if (!username) return field.focus();
    restart(username, me);
  });
}

function restart(username, me) {
  const url = new URL(location.href);
  if (url.searchParams.has("username") || url.searchParams.has("user_id")) {
    // this window is somebody of its own: the address keeps it, not the browser
    url.searchParams.set("user_id", me?.user_id ?? username);
    url.searchParams.set("username", username);
    location.assign(url);
    return;
  }
  introduce(username, me?.user_id);
  location.reload();
}
