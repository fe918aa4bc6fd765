/** Reminds of a break after long work without one. It takes no focus, blocks no key and covers no content.
 *
 * It counts active time across items and reloads, for as long as the tab is open.
 */

import { inTab } from "./storage.js";

const STORAGE_KEY = "desk-worked";
const REMIND_AFTER_SECONDS = 50 * 60;
const SNOOZE_SECONDS = 15 * 60;
const BREAK_MS = 5 * 60_000;

/** @param {{isActive: () => boolean}} activity */
export function startBreakReminder(activity) {
  const place = /** @type {HTMLElement | null} */ (document.querySelector("[data-break-reminder]"));
  if (!place) return;
  let state = read();
  const timer = setInterval(() => { if (activity.isActive()) work(); else rest(); }, 1000);
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-break-reminder-later]")) later(); });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.closest?.("[data-break-reminder-off]") && event.detail.successful) stop();
  });

  function work() {
    state = { ...forgetAfterPause(state), last: Date.now() };
    state.worked += 1;
    keep(state);
    if (state.worked >= state.due) show(place);
  }

  function rest() {
    state = forgetAfterPause(state);
    if (state.worked === 0) place.replaceChildren();
  }

  function later() {
    state.due = state.worked + SNOOZE_SECONDS;
    keep(state);
    hide(place);
  }

  function stop() {
    clearInterval(timer);
    hide(place);
  }
}

function forgetAfterPause(state) {
  return Date.now() - state.last >= BREAK_MS ? { worked: 0, due: REMIND_AFTER_SECONDS, last: state.last } : state;
}

function show(place) {
  if (place.firstChild) return;
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("break-reminder"));
  place.append(template.content.cloneNode(true));
  window.htmx?.process(place);
}

function hide(place) {
  place.replaceChildren();
  document.getElementById("item")?.focus({ preventScroll: true });
}

function keep(state) {
  inTab.set(STORAGE_KEY, JSON.stringify(state)); // without storage, only the count is lost on a reload
}

function read() {
  const fresh = { worked: 0, due: REMIND_AFTER_SECONDS, last: Date.now() };
  try {
    const kept = JSON.parse(inTab.get(STORAGE_KEY) ?? "{}");
    return [kept.worked, kept.due, kept.last].every(Number.isFinite) ? kept : fresh;
  } catch {
    return fresh;
  }
}
