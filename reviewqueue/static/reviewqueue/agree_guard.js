/** Agreeing sends the AI's answer, so it is blocked while the reviewer has changed a checkbox or a field. */

import { isSame } from "./structured_fields.js";
import { put } from "./notices.js";

const AGREE = '[data-judgement] button[name="verdict"][value="agree"]';

/** Call this after other listeners that change fields on a click. */
export function listenToChanges() {
  document.addEventListener("click", refuse, { capture: true });
  for (const name of ["input", "change", "click"]) document.addEventListener(name, tellChanged);
}

/** Shows at the Agree button whether it is blocked by a change. */
export function tellChanged() {
  const button = document.querySelector(AGREE);
  const word = button?.querySelector("[data-agree-off]");
  if (!word) return;
  const changed = isChanged();
  if (word.hidden !== changed) return;
  word.hidden = !changed;
  changed ? button.setAttribute("aria-disabled", "true") : button.removeAttribute("aria-disabled");
  if (!changed) document.querySelector('#notice [data-problem="changed"]')?.remove();
}

function refuse(event) {
  if (!event.target.closest?.(`${AGREE}[aria-disabled="true"]`)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  put("changed");
}

function isChanged() {
  if (document.querySelector("[data-judgement] [data-lines][data-edited]")) return true;
  const controls = document.querySelectorAll("[data-judgement] :is([data-choices] input, [data-field] :is(input, select, textarea))");
  return [...controls].some(isEdited);
}

/** Whether a control differs from its initial value and from the AI's. */
function isEdited(control) {
  if (control.type === "checkbox") return control.checked !== control.defaultChecked;
  const proposed = control.closest("[data-field]").dataset.proposed;
  return !isSame(control, initial(control)) && (proposed === undefined || !isSame(control, proposed));
}

function initial(control) {
  if (!control.matches("select")) return control.defaultValue;
  return [...control.options].find((option) => option.defaultSelected)?.value ?? "";
}
