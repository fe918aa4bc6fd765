/** Search in a long list of answers: the focus stays in the field, arrows choose what Enter takes. */

import { formatNumber } from "./number_format.js";

export function listenInSearch() {
  document.addEventListener("input", (event) => { if (isSearch(event.target)) narrow(event.target); });
  document.addEventListener("keydown", (event) => { if (isSearch(event.target)) steer(event); else rove(event); }, { capture: true });
}

/** Call once for each new item. The list is a single tab stop, however long it is. */
export function prepareSearch() {
  const input = search();
  if (!input) return;
  choices().forEach((choice, place) => {
    choice.dataset.place = String(place);
    if (choice.matches("button")) choice.tabIndex = place ? -1 : 0;
  });
}

function isSearch(target) {
  return target.matches?.("[data-answer-search]");
}

function search() {
  return /** @type {HTMLInputElement | null} */ (document.querySelector("[data-answer-search]"));
}

/** @returns {HTMLElement[]} */
function choices() {
  return [...document.querySelectorAll("[data-choices] .choice")];
}

function active() {
  return document.querySelector("[data-choices] .choice-active");
}

/** Filters and ranks the answers: matches at the label's start, then at the start of words, then anywhere. */
function narrow(input) {
  const wanted = folded(input.value);
  const ranked = choices().map((choice) => ({ choice, rank: rank(choice, wanted), place: Number(choice.dataset.place) }));
  ranked.sort((one, other) => one.rank - other.rank || one.place - other.place);
  for (const { choice, rank } of ranked) choice.hidden = rank === Infinity;
  const list = document.querySelector("[data-choices]");
  list.append(...ranked.map(({ choice }) => choice));
  list.toggleAttribute("data-narrowed", wanted !== "");
  list.scrollTop = 0;
  const left = ranked.filter((one) => one.rank < Infinity);
  activate(wanted ? left[0]?.choice : null);
  tell(wanted ? left.length : null);
}

function rank(choice, wanted) {
  if (!wanted) return 0;
  const label = folded(choice.querySelector(".choice-label").textContent);
  if (label.startsWith(wanted)) return 0;
  const words = label.split(" ");
  if (wanted.split(" ").every((part) => words.some((word) => word.startsWith(part)))) return 1;
  return label.includes(wanted) ? 2 : Infinity;
}

/** Without accents and case, and with one space between words. */
function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[\s_\-/.,:]+/gu, " ").trim();
}

function activate(choice) {
  const before = active();
  before?.classList.remove("choice-active");
  if (before?.matches("[role=option]")) before.setAttribute("aria-selected", "false");
  choice?.classList.add("choice-active");
  choice?.scrollIntoView({ block: "nearest" });
  if (choice?.matches("[role=option]")) {
    choice.setAttribute("aria-selected", "true");
    search().setAttribute("aria-activedescendant", choice.id);
  } else {
    search().removeAttribute("aria-activedescendant");
  }
}

function tell(count) {
  const found = document.querySelector("[data-answer-found]");
  const text = found.dataset[count === 0 ? "none" : count === 1 ? "one" : "some"];
  found.textContent = count === null ? "" : text.replace("{count}", formatNumber(count));
}

function steer(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = { ArrowDown: () => step(1), ArrowUp: () => step(-1), Enter: take, Escape: clear }[event.key];
  if (!action || action(event) === false) return;
  event.preventDefault();
  event.stopPropagation();
}

function step(by) {
  const left = choices().filter((choice) => !choice.hidden);
  if (!left.length) return;
  const at = left.indexOf(active());
  activate(left[at < 0 ? (by > 0 ? 0 : left.length - 1) : (at + by + left.length) % left.length]);
}

/** Enter takes the active answer. A checkbox is toggled, and the next search can start at once. */
function take(event) {
  const choice = active();
  if (event.repeat || !choice) return;
  choice.click();
  const box = choice.querySelector("input[type=checkbox]");
  if (!box) return;
  const found = document.querySelector("[data-answer-found]");
  const message = found.dataset[box.checked ? "ticked" : "unticked"];
  search().select();
  found.textContent = message.replace("{answer}", choice.querySelector(".choice-label").textContent);
}

/** Escape clears the search; if it is already clear, Escape leaves the field, as in any other field. */
function clear() {
  const input = search();
  if (!input.value && !active()) return false;
  input.value = "";
  narrow(input);
}

/** Inside the list, arrows move from answer to answer. */
function rove(event) {
  const choice = event.target.closest?.("[data-choices] [role=option]");
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!choice || !by) return;
  const left = choices().filter((one) => !one.hidden);
  const next = left[left.indexOf(choice) + by];
  event.preventDefault();
  if (!next) return;
  choice.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
