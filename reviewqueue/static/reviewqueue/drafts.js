/**
 * Drafts: input that has not been submitted, saved in this browser at once and on the server a moment later.
 *
 * When the same person has the same item again, the newer of the two is restored. Both have the page's timestamp, which
 * starts from the server's time and counts on from there.
 */

import { csrfToken } from "./csrf.js";
import { fitting, read, write } from "./draft_fields.js";
import { inBrowser } from "./storage.js";

const PREFIX = "desk-draft:";
const KEEP_MS = 20 * 3_600_000;
const SAVE_AFTER_MS = 2000;
/** The longest time between saves while the reviewer types without a pause. */
const SAVE_AT_LEAST_MS = 5000;
/** Browsers do not send requests with more characters than this while leaving a page. */
const MAX_KEEPALIVE_CHARACTERS = 60_000;

export function keepDrafts() {
  /** When the item arrived, by two clocks: one stops while the machine sleeps, the other may be set back. */
  let since = clocks();
  /** When the input was last changed, in ms by the server's clock; 0 if there is no input of the reviewer. */
  let at = 0;
  let timer = 0;
  /** The latest time to save pending input, by the page's clock. */
  let latest = 0;
  let filling = false;

  const place = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-draft]"));
  const form = () => /** @type {HTMLFormElement | null} */ (document.querySelector("[data-judgement]"));
  const serverTime = () => Math.round(Number(place().dataset.now) + Math.max(...clocks().map((now, at) => now - since[at])));

  document.addEventListener("input", touched);
  document.addEventListener("change", touched);
  window.addEventListener("pagehide", sendNow);
  document.addEventListener("visibilitychange", () => { if (document.hidden) sendNow(); });

  function touched(event) {
    if (filling || !event.target.name || event.target.form !== form() || !place()) return;
    at = serverTime();
    keepHere();
    later();
  }

  function keepHere() {
    const draft = { at, stage: place().dataset.stage, fields: read(form()) };
    if (!store(key(place()), draft)) tell("none");
  }

  function later() {
    if (!timer) latest = performance.now() + SAVE_AT_LEAST_MS;
    clearTimeout(timer);
    timer = setTimeout(sendNow, Math.min(SAVE_AFTER_MS, latest - performance.now()));
  }

  /** Saves pending input. An untouched form has none. */
  async function sendNow() {
    if (!timer) return;
    clearTimeout(timer);
    timer = 0;
    const here = place();
    if (!here || !form()) return;
    const word = await save(here.dataset.url, read(form()), at);
    if (place() === here) tell(word, here);
  }

  /** A new item, perhaps with drafts: put the newer one into the form. */
  function shown() {
    clearTimeout(timer);
    timer = 0;
    since = clocks();
    const here = place();
    if (!here) return;
    forgetOld(Number(here.dataset.now));
    const theirs = here.dataset.fields ? { at: Number(here.dataset.at), fields: JSON.parse(here.dataset.fields) } : null;
    const kept = recall(key(here));
    const fields = kept && !(theirs?.at >= kept.at) ? fitting(kept, here.dataset.stage) : null;
    if (fields || theirs) fill(fields ?? theirs.fields);
    if (theirs) tell("kept");
    at = (fields ? kept : theirs)?.at ?? 0;
    if (fields) later();
  }

  function fill(fields) {
    filling = true;
    write(form(), fields);
    filling = false;
  }

  function tell(word, here = place()) {
    if (here && here.textContent !== here.dataset[word]) here.textContent = here.dataset[word];
  }

  return {
    shown,
    /** Saves pending input before the form is removed. */
    flush: sendNow,
    /** The storage key of the current item's draft, for a later call of `sent`. */
    place: () => (place() ? key(place()) : ""),
    /** Saves the form's input in this browser, whatever another tab submitted; returns whether there was any. */
    keep: () => { if (at) keepHere(); return at > 0; },
    /** @param {string} where */
    sent: (where) => inBrowser.remove(where),
  };
}

/** @returns {Promise<"kept" | "long" | "local">} the message to show about the draft */
async function save(url, fields, at) {
  const body = new URLSearchParams({ draft_at: String(at) });
  for (const [name, values] of Object.entries(fields)) {
    for (const value of values) body.append(name, value);
    if (!values.length) body.append("draft_none", name);
  }
  const headers = { "HX-Request": "true", "X-CSRFToken": csrfToken() };
  try {
    const keepalive = body.toString().length < MAX_KEEPALIVE_CHARACTERS;
    const answer = await fetch(url, { method: "POST", body, headers, keepalive, redirect: "error" });
    return answer.ok ? "kept" : answer.status === 400 || answer.status === 413 ? "long" : "local";
  } catch {
    return "local";
  }
}

function clocks() {
  return [performance.now(), Date.now()];
}

function key(place) {
  return `${PREFIX}${place.dataset.person}:${place.dataset.item}`;
}

function store(where, draft) {
  return inBrowser.set(where, JSON.stringify(draft));
}

function recall(where) {
  try {
    return JSON.parse(inBrowser.get(where) ?? "null");
  } catch {
    return null;
  }
}

function forgetOld(now) {
  for (const where of inBrowser.names().filter((name) => name.startsWith(PREFIX))) {
    if (!(recall(where)?.at > now - KEEP_MS)) inBrowser.remove(where);
  }
}
