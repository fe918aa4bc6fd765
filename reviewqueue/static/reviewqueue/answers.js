/** The answers: fields to fill in, ticks to set, long lists to search. All is delegated: a swap re-binds nothing. */

import { listenToChanges, tellChanged } from "./agreeing.js";
import { listenInFields, placeMistakes, prepareFields } from "./fields.js";
import { listenInSearch, prepareSearch } from "./finder.js";
import { listenToPosts } from "./posting.js";
import { askForAnswer } from "./question.js";
import { count, listenToTicks } from "./ticks.js";

export function listenForAnswers() {
  listenInFields();
  listenInSearch();
  listenToTicks();
  listenToChanges();
  listenToPosts();
  document.addEventListener("keydown", sendByKey, { capture: true });
}

/** Once for each item that comes. */
export function prepareAnswers() {
  prepareFields();
  prepareSearch();
  count();
  tellChanged();
}

/** After a refusal: every mistake at its place. */
export function showMistakes() {
  placeMistakes();
}

/** Ctrl or Cmd and Enter send from anywhere in the form what is ticked, filled in or pointed at; nothing is: they ask. */
function sendByKey(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat || event.isComposing) return;
  if (!event.target.closest?.("[data-judgement]")) return;
  event.preventDefault();
  event.stopPropagation();
  const chosen = whatIsChosen(event.target);
  chosen ? chosen.click() : askForAnswer();
}

/** The button that sends a form, or, where every answer has its own, that of the answer with the focus or the pointer. */
function whatIsChosen(target) {
  const form = document.querySelector("[data-judgement]");
  return form.querySelector("[data-send]") ?? target.closest("button.choice") ?? form.querySelector("button.choice-active");
}
