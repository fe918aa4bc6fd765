/** Desk settings: pressing a key in a field sets it. Without JavaScript, the fields take one typed character. */

document.addEventListener("keydown", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (!field.matches?.("[data-press]") || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Backspace" || event.key === "Delete") return put(event, "");
  if ([...event.key].length === 1 && event.key.trim()) put(event, event.key.normalize("NFC").toLowerCase());
});

function put(event, key) {
  event.preventDefault();
  if (event.target.value === key) return;
  event.target.value = key;
  event.target.dispatchEvent(new Event("change", { bubbles: true }));
  markClashes();
}

/** Marks conflicts at once; the server checks them again on saving. */
function markClashes() {
  const fields = [...document.querySelectorAll("[data-press]")];
  for (const field of fields) {
    const clashes = field.value && fields.some((other) => other !== field && other.value.toLowerCase() === field.value);
    clashes ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
    field.closest(".settings-key").classList.toggle("field-bad", Boolean(clashes));
  }
}
