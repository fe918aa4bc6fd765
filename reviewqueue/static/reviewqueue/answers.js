/** The answers: fields, checkboxes and searchable lists. All listeners are delegated, so a swap re-binds nothing. */

import { listenToChanges, tellChanged } from "./agree_guard.js";
import { listenInFields, placeErrors, prepareFields } from "./structured_fields.js";
import { listenInSearch, prepareSearch } from "./answer_search.js";
import { listenToPosts } from "./request_fields.js";
import { askForAnswer } from "./question.js";
import { count, listenToTicks } from "./checkboxes.js";

const OTHER_CONTROLS = "form, dialog, a, button, summary, input, textarea, select";

export function listenForAnswers() {
  listenInFields();
  listenInSearch();
  listenToTicks();
  listenToChanges();
  listenToPosts();
  document.addEventListener("keydown", sendByKey, { capture: true });
}

/** Call once for each new item. */
export function prepareAnswers() {
  prepareFields();
  prepareSearch();
  count();
  tellChanged();
}

/** After a refusal: shows every error at its field. */
export function showErrors() {
  placeErrors();
}

/** Ctrl+Enter or Cmd+Enter sends the form from everywhere but other controls; without an answer it asks for one. */
function sendByKey(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat || event.isComposing) return;
  const target = /** @type {HTMLElement} */ (event.target);
  if (!document.querySelector("[data-judgement]") || document.querySelector("dialog[open]")) return;
  if (!target.closest?.("[data-judgement]") && target.closest?.(OTHER_CONTROLS)) return;
  event.preventDefault();
  event.stopPropagation();
  const chosen = chosenButton(event.target);
  chosen ? chosen.click() : askForAnswer();
}

/** The form's send button, or the focused or highlighted answer where every answer is a button. */
function chosenButton(target) {
  const form = document.querySelector("[data-judgement]");
  return form.querySelector("[data-send]") ?? target.closest("button.choice") ?? form.querySelector("button.choice-active");
}
