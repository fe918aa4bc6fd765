/** Single-key shortcuts: a key presses the element with that key in `data-key`.
 *
 * They are off while typing, in a dialog, and with a modifier held. While a list of reasons is open, only its own keys
 * work.
 */

import { areSingleKeysOff, shortcutKeys } from "./shortcut_help.js";
import { goToQuestion } from "./question.js";
import { choose } from "./dropdown.js";

/** After a key that opens something was ignored, further keys are ignored for this long: they were meant for its input. */
const IGNORE_AFTER_MS = 400;

/** @param {() => boolean} ready whether an item is on screen and nothing is being sent */
export function listenForShortcuts(ready) {
  let ignoreUntil = -Infinity;

  document.addEventListener("keydown", (event) => {
    if (isTyping(event.target)) return inField(event);
    if (!isPlain(event) || isElsewhere(event) || isOff(event)) return;
    const target = find(event);
    if (performance.now() < ignoreUntil || (!ready() && opens(target))) {
      ignoreUntil = performance.now() + IGNORE_AFTER_MS;
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
  return !(event.repeat || event.ctrlKey || event.metaKey || event.altKey || isComposing(event) || shifted);
}

/** Signs and digits need Shift on some keyboards and not on others, so Shift is part of the key. */
function isCaseless(key) {
  return /^[\p{P}\p{S}\p{N}]$/u.test(key);
}

/** Safari ends a composition before its last key event, which then has only this code. */
function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

/** What a key presses: the typed character where it is a shortcut, else what stands in its place on a Latin keyboard. */
function find(event) {
  const key = typed(event);
  return shortcutKeys().has(key) ? carrier(key) : (carrier(key) ?? carrier(latin(event)));
}

/** The key as the server stores it: the typed character, composed and in lower case. */
function typed(event) {
  return event.key.normalize("NFC").toLowerCase();
}

/** The Latin character of a key that types another script: a digit by its value, a letter or ? by its place. */
function latin(event) {
  const key = event.key.normalize("NFKC");
  if (/^\p{Nd}$/u.test(key)) return String(digitValue(key));
  if (/^[\x20-\x7e]$/.test(key) && key !== event.key) return key.toLowerCase(); // full width
  if (/^\p{L}$/u.test(key) && !/^\p{Script=Latin}$/u.test(key) && /^Key[A-Z]$/.test(event.code)) return event.code.slice(3).toLowerCase();
  // The key of / and ? types a full stop and a comma, a letter or a question mark of its own where the script is another.
  if (event.code === "Slash" && /^[.,؟\p{Lo}]$/u.test(key)) return event.shiftKey ? "?" : "/";
  return "";
}

/** Unicode has the ten digits of each script in a row. */
function digitValue(digit) {
  const code = digit.codePointAt(0);
  let value = 0;
  while (value < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(code - value - 1))) value += 1;
  return value;
}

function isTyping(target) {
  return target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

/** In a dialog or menu without shortcuts of its own, or Enter on an element that Enter presses anyway. */
function isElsewhere(event) {
  if (document.querySelector("dialog[open], :popover-open:not([data-reasons])")) return true;
  return event.key === "Enter" && event.target.closest?.("a, button, summary, input");
}

/** Escape leaves a field; from the answer form it moves the focus to the question. */
function inField(event) {
  if (event.key !== "Escape" || event.target !== document.activeElement) return;
  event.target.closest("[data-judgement]") ? goToQuestion() : event.target.blur();
}

function carrier(key) {
  if (!key) return null;
  const open = document.querySelector("[data-reasons]:popover-open") ?? document;
  const all = [...open.querySelectorAll("[data-key]")];
  return all.find((element) => element.dataset.key.split(" ").includes(key) && element.checkVisibility());
}

function press(target) {
  if (target.matches("select")) return choose(target);
  target.matches("input, textarea") ? target.focus() : target.click();
}

/** Enter always works: unlike letters, it is not typed by mistake or by voice input. */
function isOff(event) {
  return event.key !== "Enter" && areSingleKeysOff();
}
