/**
 * What is filled in and not sent yet: kept in this browser at once, and on the server a moment later.
 *
 * The newer of the two is put back when the same person has the same item again. Both carry the date that the page
 * gave them: it comes with the server's time, and counts on from there.
 */

import { csrfToken } from "./csrf.js";
import { fitting, read, write } from "./draft_fields.js";
import { inBrowser } from "./storage.js";

const PREFIX = "desk-draft:";
const KEPT_FOR = 20 * 3_600_000;
const PAUSE = 2000;
/** Who types on without a pause is kept on the server this often. */
const LONGEST = 5000;
/** More than this many characters no browser sends while it leaves a page. */
const KEEPALIVE = 60_000;

export function keepDrafts() {
  /** When the page's item came, by two clocks: one stands still while the machine sleeps, the other may be set back. */
  let since = clocks();
  /** When what is in the form was written, in milliseconds by the server's clock; 0 if nothing of the person's is. */
  let at = 0;
  let timer = 0;
  /** By when what waits to be saved is saved, in this page's own time. */
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
    if (!timer) latest = performance.now() + LONGEST;
    clearTimeout(timer);
    timer = setTimeout(sendNow, Math.min(PAUSE, latest - performance.now()));
  }

  /** Saves what waits to be saved. An untouched form has nothing waiting. */
  async function sendNow() {
    if (!timer) return;
    clearTimeout(timer);
    timer = 0;
    const here = place();
    if (!here || !form()) return;
    const word = await save(here.dataset.url, read(form()), at);
    if (place() === here) tell(word, here);
  }

  /** An item came, perhaps with a draft: the newer of the two is put into the form. */
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
    /** Before the form goes: saves what waits to be saved. */
    flush: sendNow,
    /** Where the draft of the item on screen lies, for `sent` once another is there. */
    place: () => (place() ? key(place()) : ""),
    /** Whether there is anything of the person's in the form; it is kept here, whatever another tab sent. */
    keep: () => { if (at) keepHere(); return at > 0; },
    /** @param {string} where */
    sent: (where) => inBrowser.remove(where),
  };
}

/** @returns {Promise<"kept" | "long" | "local">} what can be said about the draft now */
async function save(url, fields, at) {
  const body = new URLSearchParams({ draft_at: String(at) });
  for (const [name, values] of Object.entries(fields)) {
    for (const value of values) body.append(name, value);
    if (!values.length) body.append("draft_none", name);
  }
  const headers = { "HX-Request": "true", "X-CSRFToken": csrfToken() };
  try {
    const keepalive = body.toString().length < KEEPALIVE;
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
    if (!(recall(where)?.at > now - KEPT_FOR)) inBrowser.remove(where);
  }
}
