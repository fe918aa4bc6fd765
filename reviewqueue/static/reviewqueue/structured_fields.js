/** Structured answers: uncertain fields first, all fields by a shortcut, and restoring the AI's value.
 *
 * Fields with high confidence are collapsed to text; their inputs cannot be focused but are sent unchanged. Whether all
 * fields are open is remembered for this tab, on the root element, so that the next item looks the same.
 */

import { changeLines } from "./list_rows.js";
import { inTab } from "./storage.js";

const ALL = "desk-all-fields";
const KEPT = "desk-other-fields";

export function listenInFields() {
  document.addEventListener("keydown", walk, { capture: true });
  document.addEventListener("input", (event) => {
    const field = event.target.closest?.("[data-field]");
    if (field) mark(field);
  });
  document.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("[data-all-fields]")) toggle();
    if (target.closest("[data-take-back]")) takeBack(target.closest("[data-field]"));
    changeLines(target);
    rememberKept(target);
  });
  document.documentElement.toggleAttribute("data-all-open", inTab.get(ALL) === "true");
}

/** Call once for each new item. */
export function prepareFields() {
  // In a swapped-in page, the content of noscript elements is parsed as part of the form.
  for (const fallback of document.querySelectorAll("[data-fields] noscript")) fallback.remove();
  const kept = document.querySelector("[data-kept]");
  if (kept && inTab.get(KEPT)) kept.open = inTab.get(KEPT) === "open";
  tellState();
}

/** The first of the fields that the review asks for, if it asks for some only. A final say is read first. */
export function firstAsked() {
  return document.querySelector("[data-asked] .field-control :is(input, select, textarea)");
}

/** Once somebody has folded the other fields or opened them, they stay so for the next items in this tab. */
function rememberKept(pressed) {
  const kept = pressed.closest("[data-kept] > summary")?.parentElement;
  if (kept) inTab.set(KEPT, kept.open ? "folded" : "open"); // it is about to change
}

/** Shows each of the notice's errors at its field and focuses the first one. */
export function placeErrors() {
  for (const field of document.querySelectorAll("[data-fields] [data-pointer]")) clear(field);
  for (const told of document.querySelectorAll("#notice [data-pointer]")) {
    const place = nearest(told.dataset.pointer);
    if (place) tell(place, told);
  }
  const first = document.querySelector("[data-fields] .field-bad");
  (first && (controlOf(first) ?? first.querySelector("button:not([hidden])")))?.focus();
}

/** Arrows move between fields where the caret cannot move; Enter goes to the next field, and from the last one it sends. */
function walk(event) {
  const control = event.target;
  if (isHeldEnter(event)) return swallow(event);
  if (!control.closest?.("[data-field]") || event.isComposing || isHeld(event)) return;
  const step = { ArrowUp: -1, ArrowDown: 1, Enter: 1 }[event.key];
  if (!step || !leaves(control, event.key)) return;
  const all = openControls();
  const next = all[all.indexOf(control) + step];
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
  if (next.matches("input")) next.select();
}

/** A held Enter would run through all fields and send them. In a textarea it makes new lines. */
function isHeldEnter(event) {
  return event.repeat && event.key === "Enter" && event.target.closest?.("[data-judgement]") && !event.target.matches("textarea");
}

function swallow(event) {
  event.preventDefault();
  event.stopPropagation();
}

function isHeld(event) {
  return event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
}

/** Whether the key has no effect inside the control. */
function leaves(control, key) {
  if (control.matches("textarea")) {
    const at = control.selectionStart;
    return key !== "Enter" && at === control.selectionEnd && at === (key === "ArrowUp" ? 0 : control.value.length);
  }
  return control.matches("input") || (key === "Enter" && control.matches("select"));
}

function openControls() {
  const all = document.querySelectorAll("[data-field] :is(input, select, textarea)");
  return [...all].filter((control) => control.checkVisibility());
}

function controlOf(field) {
  return field.querySelector(".field-control :is(input, select, textarea)");
}

/** A changed field stays open, shows the AI's value and loses its error. */
function mark(field) {
  clear(field);
  field.classList.add("field-opened");
  const was = field.querySelector("[data-was]");
  if (was) was.hidden = isSame(controlOf(field), field.dataset.proposed);
}

/** Whether a field holds exactly this value: every blank and every digit counts. Around numbers and dates, blanks do not. */
export function isSame(control, proposed) {
  return control.value === proposed || (control.inputMode !== "" && control.value.trim() === proposed.trim());
}

function takeBack(field) {
  const control = controlOf(field);
  control.value = field.dataset.proposed;
  control.dispatchEvent(new Event("input", { bubbles: true }));
  control.focus();
}

function toggle() {
  const all = document.documentElement.toggleAttribute("data-all-open");
  inTab.set(ALL, String(all));
  tellState();
  const closed = document.querySelector("[data-fields] .field-closed:not(.field-opened)");
  if (all && closed) controlOf(closed).focus();
}

function tellState() {
  const all = document.documentElement.hasAttribute("data-all-open");
  document.querySelector("[data-all-fields]")?.setAttribute("aria-pressed", String(all));
}

/** The field that an error pointer names, or its closest container. */
function nearest(pointer) {
  const places = [...document.querySelectorAll("[data-fields] [data-pointer]")];
  for (let at = pointer; at; at = at.slice(0, at.lastIndexOf("/"))) {
    const found = places.find((place) => place.dataset.pointer === at);
    if (found) return found;
  }
  return places.find((place) => place.dataset.pointer === "");
}

function tell(place, told) {
  const error = place.querySelector("[data-error]");
  error.textContent = told.dataset.detail;
  error.hidden = false;
  told.hidden = true;
  place.classList.add("field-bad", "field-opened");
  if (place.matches("[data-field]")) controlOf(place).setAttribute("aria-invalid", "true");
}

function clear(place) {
  if (!place.classList.contains("field-bad")) return;
  place.classList.remove("field-bad");
  place.querySelector("[data-error]").hidden = true;
  if (place.matches("[data-field]")) controlOf(place).removeAttribute("aria-invalid");
}
