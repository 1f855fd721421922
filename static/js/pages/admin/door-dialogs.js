// What is asked before a door is closed, and the invitation to one: a link that lets one person in.

import { why } from "./door-words.js";
import { html } from "./list.js";
import { copy } from "../shared/copy.js";
import { onSubmit } from "../shared/form.js";
import { api, text } from "../shared/page.js";

const modal = (dialog) => dialog && !dialog.open && dialog.showModal();

export function Closing({ door: { name, connections }, onYes, onNo }) {
  return html`<dialog ref=${modal} class="card question" aria-labelledby="closing-title" onClose=${onNo}>
    <h3 id="closing-title">${text("admin.door_close_ask", { name })}</h3>
    <p>${text("admin.door_close_text", { n: connections })}</p>
    <div class="actions">
      <button class="button primary danger" type="button" autofocus onClick=${onYes}>${text("admin.door_close")}</button>
      <button class="button" type="button" onClick=${onNo}>${text("admin.cancel")}</button>
    </div>
  </dialog>`;
}

/** Draw what makes a token for one person; it is wired once, by hand, as every form of these pages. */
export function Invitation({ door: { name }, onNo }) {
  const wire = (form) => {
    if (!form || form.dataset.wired) return;
    form.dataset.wired = "yes";
    const [link, said] = [form.querySelector("code"), form.querySelector("[role=status]")];
    onSubmit(form, async (values) => {
      const body = { user_id: values.user_id.trim(), role: values.role.trim() || "user" };
      const { address } = await api(`/api/doors/${name}/tokens`, { method: "POST", body }).catch((error) =>
        Promise.reject(Object.assign(error, { message: why(error) })),
      );
      link.textContent = address;
      form.querySelector(".invitation").hidden = false;
    });
    form.querySelector("[data-copy]").addEventListener("click", async () => {
      said.textContent = text((await copy(link)) ? "admin.door_copied" : "admin.door_selected");
    });
  };
  return html`<dialog ref=${modal} class="card question" aria-labelledby="invite-title" onClose=${onNo}>
    <h3 id="invite-title">${text("admin.door_token_which", { name })}</h3>
    <p>${text("admin.door_token_text")}</p>
    <form ref=${wire} novalidate>
      ${[["user_id", "door_token_name", ""], ["role", "door_token_role", "user"]].map(([field, label, value]) => html`<div class="field" key=${field}>
        <label for=${`invite-${field}`}>${text(`admin.${label}`)}</label>
        <input id=${`invite-${field}`} name=${field} maxlength="64" autocomplete="off" defaultValue=${value} aria-describedby=${`invite-${field}-wrong`} />
        <span class="wrong" id=${`invite-${field}-wrong`} data-wrong=${field}></span>
      </div>`)}
      <p class="notice bad" data-form-wrong role="alert" hidden></p>
      <p class="actions"><button class="button primary" type="submit">${text("admin.door_token_make")}</button>
        <button class="button" type="button" onClick=${onNo}>${text("admin.done")}</button></p>
      <div class="invitation" hidden>
        <h4>${text("admin.door_token_link")}</h4>
        <p><code></code></p>
        <p><button class="button plain" type="button" data-copy>${text("admin.door_copy")}</button> <span class="small muted" role="status"></span></p>
      </div>
    </form>
  </dialog>`;
}
