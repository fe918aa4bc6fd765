/** A word about a break, after long work without one. It takes no focus, blocks no key and covers no content.
 *
 * What counts is active time, over items and reloads: it is kept for as long as the tab is.
 */

import { inTab } from "./storage.js";

const PLACE = "desk-worked";
const LONG = 50 * 60;
const LATER = 15 * 60;
const PAUSE = 5 * 60_000;

/** @param {{isActive: () => boolean}} activity */
export function startNudge(activity) {
  const place = /** @type {HTMLElement | null} */ (document.querySelector("[data-nudge]"));
  if (!place) return;
  let told = read();
  const timer = setInterval(() => { if (activity.isActive()) work(); else rest(); }, 1000);
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-nudge-later]")) later(); });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.closest?.("[data-nudge-off]") && event.detail.successful) stop();
  });

  function work() {
    told = { ...forgetAfterPause(told), last: Date.now() };
    told.worked += 1;
    keep(told);
    if (told.worked >= told.due) show(place);
  }

  function rest() {
    told = forgetAfterPause(told);
    if (told.worked === 0) place.replaceChildren();
  }

  function later() {
    told.due = told.worked + LATER;
    keep(told);
    hide(place);
  }

  function stop() {
    clearInterval(timer);
    hide(place);
  }
}

function forgetAfterPause(told) {
  return Date.now() - told.last >= PAUSE ? { worked: 0, due: LONG, last: told.last } : told;
}

function show(place) {
  if (place.firstChild) return;
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("nudge"));
  place.append(template.content.cloneNode(true));
  window.htmx?.process(place);
}

function hide(place) {
  place.replaceChildren();
  document.getElementById("item")?.focus({ preventScroll: true });
}

function keep(told) {
  inTab.set(PLACE, JSON.stringify(told)); // without storage a reload begins anew, and nothing else is lost
}

function read() {
  const fresh = { worked: 0, due: LONG, last: Date.now() };
  try {
    const kept = JSON.parse(inTab.get(PLACE) ?? "{}");
    return [kept.worked, kept.due, kept.last].every(Number.isFinite) ? kept : fresh;
  } catch {
    return fresh;
  }
}
