/** Single keys: each presses what carries it in `data-key`. Dead while typing, in a dialog, with a modifier held.
 *
 * While a list of reasons is open, its own keys work and no others.
 */

import { areSingleKeysOff } from "./cheat_sheet.js";
import { goToQuestion } from "./question.js";
import { choose } from "./reasons.js";

/** A key that opens something, pressed too early, opens nothing: what is typed on its heels was meant for what it opens. */
const ON_ITS_HEELS = 400;

/** @param {() => boolean} ready whether an item is on screen and nothing is on its way */
export function listenForKeys(ready) {
  let deadUntil = -Infinity;

  document.addEventListener("keydown", (event) => {
    if (isTyping(event.target)) return inField(event);
    if (!isPlain(event) || isElsewhere(event) || isOff(event)) return;
    const target = carrier(typed(event));
    if (performance.now() < deadUntil || (!ready() && opens(target))) {
      deadUntil = performance.now() + ON_ITS_HEELS;
      return;
    }
    if (!target || !ready()) return;
    event.preventDefault();
    press(target);
  });
}

function opens(target) {
  return target?.matches("input, textarea, select, [popovertarget], [data-dialog]");
}

function isPlain(event) {
  const shifted = event.shiftKey && !isCaseless(event.key);
  return !(event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || shifted);
}

/** Signs and digits are typed with Shift on one keyboard and without on another: there it is part of the key. */
function isCaseless(key) {
  return /^[\p{P}\p{S}\p{N}]$/u.test(key);
}

/** The key as the server stores one: what was typed, whatever the layout, composed and without its case. */
function typed(event) {
  return event.key.normalize("NFC").toLowerCase();
}

function isTyping(target) {
  return target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

/** In a dialog or a menu without keys of its own; or Enter on something that Enter presses anyway. */
function isElsewhere(event) {
  if (document.querySelector("dialog[open], :popover-open:not([data-reasons])")) return true;
  return event.key === "Enter" && event.target.closest?.("a, button, summary, input");
}

/** Escape leaves a field: one of the answer for the question. */
function inField(event) {
  if (event.key !== "Escape" || event.target !== document.activeElement) return;
  event.target.closest("[data-judgement]") ? goToQuestion() : event.target.blur();
}

function carrier(key) {
  const open = document.querySelector("[data-reasons]:popover-open") ?? document;
  const all = [...open.querySelectorAll("[data-key]")];
  return all.find((element) => element.dataset.key.split(" ").includes(key) && element.checkVisibility());
}

function press(target) {
  if (target.matches("select")) return choose(target);
  target.matches("input, textarea") ? target.focus() : target.click();
}

/** Enter stays: it is nobody's letter typed by mistake or by voice. */
function isOff(event) {
  return event.key !== "Enter" && areSingleKeysOff();
}
