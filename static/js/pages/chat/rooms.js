// The list of rooms: the form that creates one and goes there.

import { onSubmit } from "../shared/form.js";
import "../shared/plain.js";
import { api, text } from "../shared/page.js";

onSubmit(document.getElementById("new-room"), async ({ name, description }) => {
  if (!name.trim()) {
    const fields = { name: text("chat.name_needed") };
    throw Object.assign(new Error(fields.name), { fields });
  }
  const body = { name: name.trim(), description: description.trim() };
  const room = await api("/api/rooms", { method: "POST", body }).catch((error) => {
    if (error.code === "name_taken") error.fields = { name: text("chat.name_taken") };
    throw error;
  });
  location.assign(`/chat/${room.id}`);
});
