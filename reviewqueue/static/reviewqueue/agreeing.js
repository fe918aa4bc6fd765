/** Agreeing sends the AI's answer: it waits while ticks or fields say something else that the person put there. */

import { isSame } from "./fields.js";
import { put } from "./notices.js";

const AGREE = '[data-judgement] button[name="verdict"][value="agree"]';

/** To be called after whatever else changes fields on a click. */
export function listenToChanges() {
  document.addEventListener("click", refuse, { capture: true });
  for (const name of ["input", "change", "click"]) document.addEventListener(name, tellChanged);
}

/** Whether agreeing would drop something is said at its button. */
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

/** Neither as it came nor as the AI has it. */
function isEdited(control) {
  if (control.type === "checkbox") return control.checked !== control.defaultChecked;
  const proposed = control.closest("[data-field]").dataset.proposed;
  return !isSame(control, initial(control)) && (proposed === undefined || !isSame(control, proposed));
}

function initial(control) {
  if (!control.matches("select")) return control.defaultValue;
  return [...control.options].find((option) => option.defaultSelected)?.value ?? "";
}
