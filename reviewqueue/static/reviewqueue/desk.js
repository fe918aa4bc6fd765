/** The desk: answers by key, one item after the other, and nothing sent for an item that was not on screen. */

import { countActivity } from "./activity.js";
import { listenForAnswers, prepareAnswers, showMistakes } from "./answers.js";
import { listenForCheatSheet } from "./cheat_sheet.js";
import { listenInContent } from "./content/index.js";
import { keepDrafts } from "./drafts.js";
import { loadGuidelines } from "./guidelines.js";
import { listenForKeys } from "./keys.js";
import { startNudge } from "./nudge.js";
import { put } from "./notices.js";
import { startClock } from "./reservation.js";
import { keepSending } from "./sending.js";
import { listenToTabs } from "./tabs.js";

/** How long a new item must have been on screen before it can be answered: the end of a double click is shorter. */
const ON_SCREEN = 200;
/** What is posted by the form itself, with all that is in it. */
const POSTED = /\/(verdict|pass|first-answer)\/$/;

const activity = countActivity();
const drafts = keepDrafts();
const sending = keepSending({ context: drafts.place, arrived });
const clock = startClock({ isActive: activity.isActive, isBusy: sending.isBusy });
const tabs = listenToTabs(doneElsewhere);

listenForAnswers();
listenForKeys(() => isReady());
listenForCheatSheet();
startNudge(activity);
listenInContent();
document.addEventListener("click", refuseEarly, { capture: true });
document.addEventListener("submit", refuseUnready, { capture: true });
loadGuidelines();
document.addEventListener("click", openDialog);
document.addEventListener("submit", tellSeconds, { capture: true });
document.addEventListener("submit", tellGivenBack);
document.addEventListener("htmx:beforeSwap", saveWhatGoes);
document.addEventListener("htmx:afterSettle", (event) => settle(/** @type {CustomEvent} */ (event)));
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
for (const element of document.querySelectorAll("[data-scripted]")) element.hidden = false;
show({ focus: false });

function desk() {
  return /** @type {HTMLElement} */ (document.querySelector("[data-desk]"));
}

function isReady() {
  return !sending.isBusy() && desk().hasAttribute("data-ready");
}

/** What was typed last and is not posted stays: its form makes way for another item's. */
function saveWhatGoes(event) {
  const { target, shouldSwap, pathInfo } = event.detail;
  if (target.id === "desk" && shouldSwap && !POSTED.test(pathInfo.requestPath)) drafts.flush();
}

function settle(event) {
  if (event.detail.target.id === "notice") refused();
  if (event.detail.elt?.id === "desk" || event.detail.target.id === "desk") show({ focus: true });
  if (event.detail.target.id === "reservation" || event.detail.elt?.id === "reservation") clock.renewed();
}

/** What was sent is recorded: its draft is superfluous, the other tabs are told, and one's own numbers are others. */
function arrived(path, where) {
  document.body.dispatchEvent(new Event("recorded"));
  const how = path.match(POSTED)?.[1];
  if (!how || !where) return;
  if (how !== "first-answer") drafts.sent(where);
  tabs.tell(how, where);
}

/** It is given back once the page goes; a page that stays has given nothing back. */
function tellGivenBack(event) {
  if (!event.target.matches("[data-release]")) return;
  const [where, { claim }] = [drafts.place(), desk().dataset];
  window.addEventListener("pagehide", () => tabs.tell("release", where, claim), { once: true });
}

function doneElsewhere(how, where, claim) {
  if (where !== drafts.place() || sending.isBusy() || isTrueHere(how, claim)) return;
  const notice = put("elsewhere");
  notice.querySelector(`[data-how="${how}"]`).hidden = false;
  notice.querySelector("[data-typed]").hidden = !drafts.keep();
  close(notice);
}

/** The AI's answer stands here as well, the item was not taken up anew since, or not this reservation was given back. */
function isTrueHere(how, claim) {
  if (how === "claim") return !isLater(claim, desk().dataset.claim);
  if (how === "release") return claim !== desk().dataset.claim;
  return how === "first-answer" && document.querySelector("[data-draft]")?.getAttribute("data-stage") !== "first";
}

/** Claims of one slot are numbered; of another one nobody knows. */
function isLater(claim, than) {
  const [[slot, number], [itsSlot, itsNumber]] = [claim.split("."), than.split(".")];
  return slot !== itsSlot || Number(number) > Number(itsNumber);
}

/** A new item is on the desk: say so, put the focus on it, and open it for answers once it has been painted. */
function show({ focus }) {
  for (const element of desk().querySelectorAll("[data-scripted]")) element.hidden = false;
  prepareAnswers();
  activity.show(document.querySelector("[data-draft]")?.getAttribute("data-item") ?? "");
  clock.restart();
  drafts.shown();
  tabs.tell("claim", drafts.place(), desk().dataset.claim);
  if (focus) {
    document.getElementById("item")?.focus({ preventScroll: true });
    document.getElementById("announcement").textContent = desk().dataset.announce ?? "";
  }
  const shown = desk();
  requestAnimationFrame(() => setTimeout(() => shown.setAttribute("data-ready", ""), ON_SCREEN));
}

/** A refusal came back: everything typed stays; when the claim is gone for good there is only one way on. */
function refused() {
  const lost = document.querySelector("#notice [data-lost]");
  showMistakes();
  for (const element of document.querySelectorAll("#notice [data-scripted]")) element.hidden = false;
  for (const element of document.querySelectorAll("#notice [data-try-now]")) element.hidden = !sending.isBusy();
  if (lost) close(lost);
}

/** The item on screen can't be answered any more: what is left to do stands in the notice. */
function close(notice) {
  for (const button of document.querySelectorAll(".choice, .choice input, [data-judgement] > button")) button.disabled = true;
  clock.stop();
  notice.querySelector("[data-go-on]")?.focus();
}

function refuseEarly(event) {
  if (!event.target.closest(".choice:not(.choice-tick), [data-undo] button") || isReady()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** However it was sent: Enter in a field presses a button that nobody sees. */
function refuseUnready(event) {
  if (!event.target.matches("[data-judgement], [data-undo]") || isReady()) return;
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
