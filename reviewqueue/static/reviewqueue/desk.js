/** The desk: answers by key, one item after the other, and nothing sent for an item that was not on screen. */

import { countActivity } from "./activity.js";
import { listenForAnswers, prepareAnswers, showMistakes } from "./answers.js";
import { listenForCheatSheet } from "./cheat_sheet.js";
import { listenInContent } from "./content/index.js";
import { keepDrafts } from "./drafts.js";
import { loadGuidelines } from "./guidelines.js";
import { listenForKeys } from "./keys.js";
import { startNudge } from "./nudge.js";
import { startClock } from "./reservation.js";

/** How long a new item must have been on screen before it can be answered: the end of a double click is shorter. */
const ON_SCREEN = 200;
const LOST = new Set(["claim_lost", "item_withdrawn", "verdict_exists"]);

let inFlight = false;
/** Where the draft lies that an answer on its way makes superfluous. */
let sending = "";
const activity = countActivity();
const clock = startClock(activity);
const drafts = keepDrafts();

listenForAnswers();
listenForKeys(() => isReady());
listenForCheatSheet();
startNudge(activity);
listenInContent();
document.addEventListener("click", refuseEarly, { capture: true });
loadGuidelines();
document.addEventListener("click", openDialog);
document.addEventListener("submit", tellSeconds, { capture: true });
document.addEventListener("htmx:beforeRequest", (event) => { if (decides(event)) leave(event); });
document.addEventListener("htmx:afterRequest", (event) => { if (decides(event)) inFlight = false; });
document.addEventListener("htmx:afterSettle", (event) => settle(/** @type {CustomEvent} */ (event)));
for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(failure, (event) => { if (decides(event)) tellUnreached(); });
}
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
for (const element of document.querySelectorAll("[data-scripted]")) element.hidden = false;
show({ focus: false });

function desk() {
  return /** @type {HTMLElement} */ (document.querySelector("[data-desk]"));
}

function isReady() {
  return !inFlight && desk().hasAttribute("data-ready");
}

/** Requests that bring another item; renewing a reservation or counting queues does not. */
function decides(event) {
  const target = event.detail?.target;
  return target?.id === "desk" || target?.id === "notice";
}

function leave(event) {
  inFlight = true;
  sending = /\/(verdict|pass)\/$/.test(event.detail.requestConfig.path) ? drafts.place() : "";
}

function settle(event) {
  if (event.detail.target.id === "notice") refused();
  if (event.detail.elt?.id === "desk" || event.detail.target.id === "desk") arrived();
  if (event.detail.target.id === "reservation" || event.detail.elt?.id === "reservation") clock.renewed();
}

function arrived() {
  if (sending) drafts.sent(sending);
  sending = "";
  show({ focus: true });
}

/** A new item is on the desk: say so, put the focus on it, and open it for answers once it has been painted. */
function show({ focus }) {
  for (const element of desk().querySelectorAll("[data-scripted]")) element.hidden = false;
  prepareAnswers();
  activity.restart();
  clock.restart();
  drafts.shown();
  if (focus) {
    document.getElementById("item")?.focus({ preventScroll: true });
    document.getElementById("announcement").textContent = desk().dataset.announce ?? "";
  }
  const shown = desk();
  requestAnimationFrame(() => setTimeout(() => shown.setAttribute("data-ready", ""), ON_SCREEN));
}

/** A refusal came back: everything typed stays; when the claim is gone for good there is only one way on. */
function refused() {
  const problem = document.querySelector("#notice [data-problem]");
  showMistakes();
  if (!problem || !LOST.has(problem.getAttribute("data-problem"))) return;
  for (const button of document.querySelectorAll(".choice, .choice input")) button.disabled = true;
  clock.stop();
  /** @type {HTMLElement | null} */ (problem.querySelector("[data-next]"))?.focus();
}

function tellUnreached() {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("unreached"));
  document.getElementById("notice")?.replaceChildren(template.content.cloneNode(true));
}

function refuseEarly(event) {
  if (!event.target.closest(".choice:not(.choice-tick), [data-undo] button") || isReady()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

function openDialog(event) {
  const opener = event.target.closest("[data-dialog]");
  if (!opener) return;
  event.preventDefault();
  /** @type {HTMLDialogElement} */ (document.getElementById(opener.dataset.dialog)).showModal();
}

function tellSeconds(event) {
  const field = event.target.querySelector('input[name="active_seconds"]');
  if (field) field.value = String(activity.seconds());
}
