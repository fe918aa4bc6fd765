/** The desk: answers by keyboard, one item after the other, and no answer to an item that was not on screen yet. */

import { trackActiveTime } from "./active_time.js";
import { listenForAnswers, prepareAnswers, showErrors } from "./answers.js";
import { listenForShortcutHelp } from "./shortcut_help.js";
import { listenInContent } from "./content/index.js";
import { keepDrafts } from "./drafts.js";
import { loadGuidelines } from "./guidelines.js";
import { listenForShortcuts } from "./shortcuts.js";
import { startBreakReminder } from "./break_reminder.js";
import { put } from "./notices.js";
import { watchItem } from "./item_watch.js";
import { startClock } from "./reservation.js";
import { startSubmission } from "./submission.js";
import { firstAsked } from "./structured_fields.js";
import { listenToTabs } from "./tabs.js";

/** How long a new item must be on screen before it can be answered, in ms: longer than the gap of a double click. */
const ON_SCREEN_MS = 200;
/** The URLs that the form posts all its input to. */
const POSTED = /\/(verdict|pass|first-answer)\/$/;

const activity = trackActiveTime();
const drafts = keepDrafts();
const sending = startSubmission({ context: drafts.place, arrived });
const clock = startClock({ isActive: activity.isActive, isBusy: sending.isBusy });
watchItem({ isBusy: sending.isBusy, gone });
const tabs = listenToTabs(doneElsewhere);

listenForAnswers();
listenForShortcuts(() => isReady());
listenForShortcutHelp();
startBreakReminder(activity);
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

/** Saves the latest input before the form is replaced by another item, unless it was just posted. */
function saveWhatGoes(event) {
  const { target, shouldSwap, pathInfo } = event.detail;
  if (target.id === "desk" && shouldSwap && !POSTED.test(pathInfo.requestPath)) drafts.flush();
}

function settle(event) {
  if (event.detail.target.id === "notice") refused();
  if (event.detail.elt?.id === "desk" || event.detail.target.id === "desk") show({ focus: true });
  if (event.detail.target.id === "reservation" || event.detail.elt?.id === "reservation") clock.renewed();
}

/** A submission was recorded: drop its draft, tell the other tabs, and refresh the numbers. */
function arrived(path, where) {
  document.body.dispatchEvent(new Event("recorded"));
  const how = path.match(POSTED)?.[1];
  if (!how || !where) return;
  const decided = how !== "first-answer" || drafts.place() !== where; // the same answer as the AI decides at once
  if (decided) drafts.sent(where);
  tabs.tell(decided && how === "first-answer" ? "verdict" : how, where);
}

/** Tells other tabs that the item was released, once this page is left; if it stays, nothing was released. */
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

/** Whether this tab is already in the state that the other tab reports, or a later one. */
function isTrueHere(how, claim) {
  if (how === "claim") return !isLater(claim, desk().dataset.claim);
  if (how === "release") return claim !== desk().dataset.claim;
  return how === "first-answer" && document.querySelector("[data-draft]")?.getAttribute("data-stage") !== "first";
}

/** Claims of one slot are numbered; claims of different slots count as later. */
function isLater(claim, than) {
  const [[slot, number], [itsSlot, itsNumber]] = [claim.split("."), than.split(".")];
  return slot !== itsSlot || Number(number) > Number(itsNumber);
}

/** A new item is on the desk: announce it, focus it, and accept answers once it has been painted. */
function show({ focus }) {
  for (const element of desk().querySelectorAll("[data-scripted]")) element.hidden = false;
  prepareAnswers();
  activity.show(document.querySelector("[data-draft]")?.getAttribute("data-item") ?? "");
  clock.restart();
  drafts.shown();
  tabs.tell("claim", drafts.place(), desk().dataset.claim);
  const asked = matchMedia("(pointer: fine)").matches ? firstAsked() : null; // a phone would show its keyboard
  if (focus || asked) (asked ?? document.getElementById("item"))?.focus({ preventScroll: true });
  if (focus) {
    document.getElementById("announcement").textContent = (desk().dataset.announce ?? "").replace(/\s+/g, " ").trim();
  }
  const shown = desk();
  requestAnimationFrame(() => setTimeout(() => shown.setAttribute("data-ready", ""), ON_SCREEN_MS));
}

/** The item needs no answer any more: say so before the reviewer works on it further. @param {string} notice */
function gone(notice) {
  const place = document.getElementById("notice");
  place.innerHTML = notice;
  htmx.process(place);
  refused();
}

/** A refusal came back: all input stays. If the claim is lost, the item can no longer be answered. */
function refused() {
  const lost = document.querySelector("#notice [data-lost]");
  showErrors();
  for (const element of document.querySelectorAll("#notice [data-scripted]")) element.hidden = false;
  for (const element of document.querySelectorAll("#notice [data-try-now]")) element.hidden = !sending.isBusy();
  if (lost) close(lost);
}

/** Closes the item on screen for answers; the notice has the ways to go on. */
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

/** Catches every way of submitting: Enter in a field presses a hidden button. */
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
