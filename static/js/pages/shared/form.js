// A form that speaks to the REST interface: sends its fields as JSON, shows what is wrong beside each of them.
// Owns the markup contract: `[data-wrong=<field>]` for a field, `[data-form-wrong]` for the whole form.

/** Show `fields` ({name: what is wrong}) and, where nothing names a field, `message` for the whole form. */
export function showWrong(form, fields = {}, message = "") {
  let first = null;
  for (const place of form.querySelectorAll("[data-wrong]")) {
    const wrong = fields[place.dataset.wrong] ?? "";
    const input = form.elements[place.dataset.wrong];
    place.textContent = [wrong].flat().join(" ");
    if (wrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    if (wrong && !first) first = input;
  }
  const whole = form.querySelector("[data-form-wrong]");
  whole.textContent = first ? "" : message;
  whole.hidden = whole.textContent === "";
  first?.focus();
}

/** Call `submit(values)` when `form` is sent, once at a time; what it rejects with is shown in the form. */
export function onSubmit(form, submit) {
  const button = form.querySelector("[type=submit]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    showWrong(form);
    try {
      await submit(Object.fromEntries(new FormData(form)));
    } catch (error) {
      showWrong(form, error.fields, error.message);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}
