/** Time on the desk: how long the item stays reserved, and how long a decision can be undone.
 *
 * The server says how many seconds are left and the page counts them by a clock that nobody sets. Whoever is
 * active keeps the item: the reservation is renewed in its second half, at most once a minute.
 */

import { put } from "./notices.js";
import { written } from "./numbers.js";

const WARN = 60;
const RENEW_EVERY = 60_000;
/** After a failure: this long, then twice as long each time, and never longer than a minute. */
const ASK_EVERY = 5_000;

/** @param {{isActive: () => boolean, isBusy: () => boolean}} desk busy: an answer is on its way, and decides by itself */
export function startClock(desk) {
  let since = performance.now();
  let renewAt = -Infinity;
  let askAt = -Infinity;
  let failures = 0;
  let stopped = false;

  const left = () => Number(document.getElementById("reservation")?.dataset.remaining) - passed(since);

  function tick() {
    countUndo();
    if (stopped || !document.getElementById("reservation")) return;
    const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-extend]"));
    if (form) warn(form, left());
    if (form && !desk.isBusy() && (isTimeToRenew() || isOver())) {
      renewAt = performance.now() + RENEW_EVERY;
      askAt = performance.now() + ASK_EVERY;
      form.requestSubmit();
    }
  }

  function isTimeToRenew() {
    const whole = Number(document.querySelector("[data-desk]")?.dataset.reserved);
    return desk.isActive() && left() > 0 && left() < whole / 2 && performance.now() >= renewAt;
  }

  /** Asked once more, and the server tells who has the item now. */
  function isOver() {
    return left() <= 0 && performance.now() >= askAt;
  }

  /** It did not reach the server: soon again, and then less and less often. An item that is not theirs stays so. */
  function failed(event) {
    if (!event.target.matches?.("[data-extend]")) return;
    if ([403, 404].includes(event.detail.xhr?.status)) return giveUp();
    renewAt = askAt = performance.now() + Math.min(ASK_EVERY * 2 ** failures, RENEW_EVERY);
    failures += 1;
  }

  function giveUp() {
    stop();
    if (!document.querySelector("#notice [data-problem]")) put("unrenewed");
  }

  function stop() {
    stopped = true;
    document.querySelector("[data-extend]")?.setAttribute("hidden", "");
  }

  function restart() {
    since = performance.now();
    renewAt = askAt = -Infinity;
    failures = 0;
    stopped = false;
    for (const form of document.querySelectorAll("[data-undo]")) form.since = since;
    tick();
  }

  /** Signed out: told once by the notice, and asked again as after any failure. */
  function signedOut(event) {
    if (event.detail.xhr?.status === 401) failed(event);
  }

  /** Signed in again: what the notice told is over. */
  function renewed() {
    since = performance.now();
    failures = 0;
    document.querySelector("#notice [data-signed-out]")?.remove();
    tick();
  }

  setInterval(tick, 1000);
  document.addEventListener("htmx:afterRequest", signedOut);
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) document.addEventListener(failure, failed);
  return {
    restart,
    renewed,
    stop,
  };
}

function passed(since) {
  return (performance.now() - since) / 1000;
}

/** @param {HTMLFormElement} form @param {number} seconds */
function warn(form, seconds) {
  const ending = seconds <= WARN;
  if (ending === !form.hidden) return;
  const text = form.querySelector("[data-extend-text]");
  form.hidden = !ending;
  text.textContent = ending ? text.dataset.text : "";
}

/** A decision whose time is over shows what was said in the place of its Undo. */
function countUndo() {
  for (const form of document.querySelectorAll("[data-undo]")) {
    const seconds = Math.ceil(Number(form.dataset.undo) - passed(form.since ?? performance.now()));
    const place = form.querySelector("[data-seconds]");
    place.textContent = `${written(Math.max(0, seconds))}\u00a0${place.dataset.seconds}`;
    form.hidden = seconds <= 0;
    const said = form.parentElement.querySelector("[data-said]");
    if (said) said.hidden = seconds > 0;
  }
}
