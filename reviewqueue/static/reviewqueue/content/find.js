/** Search in the item's content: matches are highlighted in place, without changing the markup. */

import { formatNumber } from "../number_format.js";

const MAX_MATCHES = 2000;
const LEFT_OUT = "[data-find], .find, .visually-hidden, button, fieldset, [hidden]";

/** @type {Range[]} */
let found = [];
let at = -1;

export function listenForFind() {
  document.addEventListener("input", (event) => { if (isBox(event.target)) search(event.target); });
  document.addEventListener("keydown", onKey, { capture: true });
  document.addEventListener("click", (event) => {
    const step = event.target.closest("[data-find-step]");
    if (step) go(Number(step.dataset.findStep));
  });
  // Ranges keep their nodes alive: without this, the content of every searched item would stay in memory.
  document.addEventListener("htmx:beforeSwap", (event) => { if (event.detail.target?.id === "desk") forget(); });
}

/** @returns {target is HTMLInputElement} */
function isBox(target) {
  return target instanceof HTMLInputElement && target.matches("[data-find]");
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (!isBox(event.target) || event.isComposing) return;
  if (event.key === "Enter") {
    event.preventDefault();
    go(event.shiftKey ? -1 : 1);
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.target.value = "";
    forget();
    document.getElementById("item").focus({ preventScroll: true });
  }
}

/** @param {HTMLInputElement} box */
function search(box) {
  forget();
  const wanted = box.value.trim();
  if (!wanted) return;
  found = matches(wanted);
  highlight("found", found);
  at = found.findIndex((range) => range.getBoundingClientRect().bottom > visibleTop());
  show(Math.max(at, 0));
}

/** @param {number} step 1 or -1; wraps around at the ends */
function go(step) {
  if (found.length) show((at + step + found.length) % found.length);
}

function forget() {
  found = [];
  at = -1;
  for (const name of ["found", "found-here"]) CSS.highlights?.delete(name);
  tell();
}

/** @param {number} index */
function show(index) {
  at = found.length ? index : -1;
  const range = found[at];
  if (range) {
    for (let fold = around(range); fold; fold = fold.parentElement.closest("details:not([open])")) fold.open = true;
    highlight("found-here", [range], 1);
    bringIntoView(range);
  }
  tell();
}

function tell() {
  const output = /** @type {HTMLElement | null} */ (document.querySelector("[data-found]"));
  if (!output) return;
  const box = /** @type {HTMLInputElement} */ (document.querySelector("[data-find]"));
  const count = formatNumber(found.length) + (found.length === MAX_MATCHES ? "+" : "");
  const some = output.dataset.of.replace("{at}", formatNumber(at + 1)).replace("{count}", count);
  output.textContent = found.length ? some : box.value.trim() && output.dataset.none;
  for (const step of document.querySelectorAll("[data-find-step]")) step.disabled = found.length === 0;
}

/** All matches, also across marks and paragraphs; blanks match any blanks. */
function matches(wanted) {
  const nodes = texts();
  const starts = [];
  let whole = "";
  for (const node of nodes) {
    starts.push(whole.length);
    whole += node.data;
  }
  const pattern = wanted.split(/\s+/).map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("\\s+");
  const ranges = [];
  let node = 0;
  for (const match of whole.matchAll(new RegExp(pattern, "giu"))) {
    while (starts[node + 1] <= match.index) node += 1;
    const last = match.index + match[0].length;
    let end = node;
    while (starts[end + 1] < last) end += 1;
    const range = new Range();
    range.setStart(nodes[node], match.index - starts[node]);
    range.setEnd(nodes[end], last - starts[end]);
    if (ranges.push(range) === MAX_MATCHES) break;
  }
  return ranges;
}

/** @returns {Text[]} the readable text of the content, including what is folded */
function texts() {
  const walker = document.createTreeWalker(document.getElementById("item"), NodeFilter.SHOW_TEXT, (node) => {
    const parent = node.parentElement;
    const readable = parent.checkVisibility() || parent.closest("details:not([open])");
    return node.data && readable && !parent.closest(LEFT_OUT) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT;
  });
  const nodes = [];
  while (walker.nextNode()) nodes.push(/** @type {Text} */ (walker.currentNode));
  return nodes;
}

/** Without the Highlight API, the current match is selected. */
function highlight(name, ranges, priority = 0) {
  if (CSS.highlights) {
    const highlighted = new Highlight(...ranges);
    highlighted.priority = priority;
    CSS.highlights.set(name, highlighted);
  } else if (priority) {
    getSelection().removeAllRanges();
    getSelection().addRange(ranges[0]);
  }
}

function around(range) {
  const element = range.startContainer.parentElement;
  const fold = element.closest("details:not([open])");
  return fold && element.closest("summary")?.parentElement === fold ? fold.parentElement.closest("details:not([open])") : fold;
}

/** The element that scrolls the content: the item itself, or its column on a phone; never the page. */
function scroller() {
  let element = document.getElementById("item");
  while (element.scrollHeight <= element.clientHeight || !/auto|scroll/.test(getComputedStyle(element).overflowY)) {
    if (!element.parentElement) return document.documentElement;
    element = element.parentElement;
  }
  return element;
}

function visibleTop() {
  return document.querySelector(".find").getBoundingClientRect().bottom;
}

function bringIntoView(range) {
  const box = scroller().getBoundingClientRect();
  const match = range.getBoundingClientRect();
  if (match.top >= visibleTop() && match.bottom <= box.bottom) return;
  scroller().scrollTop += match.top - (visibleTop() + box.bottom) / 2;
}
