/** Timers of the desk: how long the item stays reserved, and how long a decision can be undone.
 *
 * The server sends the seconds that are left, and the page counts them down with a monotonic clock. While the reviewer
 * is active, the reservation is renewed in its second half, at most once a minute.
 */

import { put } from "./notices.js";
import { formatNumber } from "./number_format.js";

const WARN_SECONDS = 60;
const RENEW_EVERY_MS = 60_000;
/** After a failure: wait this long, then twice as long each time, up to a minute. */
const RETRY_AFTER_MS = 5_000;

/** @param {{isActive: () => boolean, isBusy: () => boolean}} desk busy: an answer is being sent, whose response decides */
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
      renewAt = performance.now() + RENEW_EVERY_MS;
      askAt = performance.now() + RETRY_AFTER_MS;
      form.requestSubmit();
    }
  }

  function isTimeToRenew() {
    const whole = Number(document.querySelector("[data-desk]")?.dataset.reserved);
    return desk.isActive() && left() > 0 && left() < whole / 2 && performance.now() >= renewAt;
  }

  /** Whether the reservation is over: then one more renewal lets the server say who has the item now. */
  function isOver() {
    return left() <= 0 && performance.now() >= askAt;
  }

  /** A renewal failed: retry with growing delays. After 403 or 404 the item is lost, so stop. */
  function failed(event) {
    if (!event.target.matches?.("[data-extend]")) return;
    if ([403, 404].includes(event.detail.xhr?.status)) return giveUp();
    renewAt = askAt = performance.now() + Math.min(RETRY_AFTER_MS * 2 ** failures, RENEW_EVERY_MS);
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

  /** Signed out: the notice says so once, and renewals are retried as after any failure. */
  function signedOut(event) {
    if (event.detail.xhr?.status === 401) failed(event);
  }

  /** Renewed: remove the notice about being signed out. */
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
  const ending = seconds <= WARN_SECONDS;
  if (ending === !form.hidden) return;
  const text = form.querySelector("[data-extend-text]");
  form.hidden = !ending;
  text.textContent = ending ? text.dataset.text : "";
}

/** When the time to undo is over, the verdict replaces the Undo button. Only the latest decision counts down visibly. */
function countUndo() {
  for (const form of document.querySelectorAll("[data-undo]")) {
    const seconds = Math.ceil(Number(form.dataset.undo) - passed(form.since ?? performance.now()));
    const place = form.querySelector("[data-seconds]");
    if (place) place.textContent = `${formatNumber(Math.max(0, seconds))}\u00a0${place.dataset.seconds}`;
    form.hidden = seconds <= 0;
    const said = form.parentElement.querySelector("[data-said]");
    if (said) said.hidden = seconds > 0;
  }
}
