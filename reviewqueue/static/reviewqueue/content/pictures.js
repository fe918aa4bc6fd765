/** Zooming and panning images; an image that the browser cannot read is replaced by a message.
 *
 * An image is centred in its stage, scaled by `scale` (1 fits the stage) and moved by `x` and `y` pixels.
 */

import { formatNumber } from "../number_format.js";
import { listenForImageFilters, applyImageFilters } from "./image_filters.js";

const ZOOM_STEP = 1.5;
const PAN_PIXELS = 60;
const MOVES = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** A pointer that moved less than this, in pixels, clicked and did not drag. */
const CLICK_PIXELS = 4;

/** @type {WeakMap<HTMLElement, {scale: number, x: number, y: number}>} */
const views = new WeakMap();
/** @type {{stage: HTMLElement, x: number, y: number, moved: boolean} | null} */
let drag = null;
/** @type {WeakRef<HTMLElement> | null} */
let touched = null;

export function listenForPictures() {
  listenForImageFilters();
  document.addEventListener("click", useTool);
  document.addEventListener("keydown", moveByKey);
  document.addEventListener("focusin", (event) => remember(stageOf(event)));
  document.addEventListener("pointerdown", grip);
  document.addEventListener("pointermove", pull);
  document.addEventListener("pointerup", release);
  document.addEventListener("pointercancel", () => { endDrag(); });
  document.addEventListener("error", (event) => fail(event.target), { capture: true });
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "desk") showPictures(); });
  showPictures();
}

function showPictures() {
  applyImageFilters();
  for (const stage of document.querySelectorAll("[data-desk] [data-picture-stage]")) prepare(stage);
}

function prepare(stage) {
  const image = stage.querySelector("img");
  stage.tabIndex = 0;
  stage.setAttribute("role", "group");
  stage.setAttribute("aria-label", image.alt);
  // On the stage itself: a non-passive wheel listener on the document would slow down scrolling of the whole page.
  stage.addEventListener("wheel", zoomByWheel, { passive: false });
  if (image.complete && !image.naturalWidth) fail(image);
  else if (image.complete) tellLevel();
  else image.addEventListener("load", tellLevel, { once: true });
}

function fail(image) {
  const picture = image.closest?.("[data-picture]");
  if (!picture || !image.matches("img")) return;
  picture.querySelector("[data-picture-stage]").hidden = true;
  picture.querySelector("[data-picture-failed]").hidden = false;
}

function useTool(event) {
  const tool = event.target.closest?.("[data-zoom]");
  const stage = tool && current();
  if (!stage) return;
  const { scale } = viewOf(stage);
  if (tool.dataset.zoom === "in") zoom(stage, scale * ZOOM_STEP);
  if (tool.dataset.zoom === "out") zoom(stage, scale / ZOOM_STEP);
  if (tool.dataset.zoom === "actual") zoom(stage, actual(stage));
  if (tool.dataset.zoom === "toggle") toggle(stage);
}

/** The image that the tools act on: the one used last, or the first. */
function current() {
  const last = touched?.deref();
  return last?.isConnected ? last : document.querySelector("[data-desk] [data-picture-stage]:not([hidden])");
}

function remember(stage) {
  if (!stage) return;
  touched = new WeakRef(stage);
  tellLevel();
}

function stageOf(event) {
  return /** @type {HTMLElement | null} */ (event.target.closest?.("[data-desk] [data-picture-stage]"));
}

function viewOf(stage) {
  return views.get(stage) ?? { scale: 1, x: 0, y: 0 };
}

/** The size of the image when it fits, in pixels, and its ratio to the actual size. */
function sizes(stage) {
  const image = stage.querySelector("img");
  const fit = Math.min(image.clientWidth / image.naturalWidth, image.clientHeight / image.naturalHeight) || 1;
  return { width: image.naturalWidth * fit, height: image.naturalHeight * fit, fit };
}

function actual(stage) {
  return 1 / sizes(stage).fit;
}

function toggle(stage, at) {
  const larger = actual(stage) >= 1.25 ? actual(stage) : 2;
  zoom(stage, viewOf(stage).scale > 1.01 ? 1 : larger, at);
}

/** @param {HTMLElement} stage @param {number} wanted @param {{x: number, y: number}} [at] the point that keeps its position */
function zoom(stage, wanted, at = { x: 0, y: 0 }) {
  const { scale, x, y } = viewOf(stage);
  const own = actual(stage);
  const next = Math.min(Math.max(wanted, Math.min(1, own)), Math.max(8, 4 * own));
  const grown = next / scale;
  place(stage, { scale: next, x: at.x - (at.x - x) * grown, y: at.y - (at.y - y) * grown });
}

function place(stage, { scale, x, y }) {
  const larger = scale > 1.01;
  stage.toggleAttribute("data-zoomed", larger);
  const { width, height } = sizes(stage);
  const room = (whole, shown) => Math.max(0, (whole * scale - shown) / 2);
  const within = (value, most) => Math.min(Math.max(value, -most), most);
  const view = {
    scale,
    x: within(x, room(width, stage.clientWidth)),
    y: within(y, room(height, stage.clientHeight)),
  };
  views.set(stage, view);
  stage.querySelector("img").style.setProperty("transform", `translate(${view.x}px, ${view.y}px) scale(${scale})`);
  tellLevel();
}

/** Shows the zoom level as a percentage of the actual size. */
function tellLevel() {
  const stage = current();
  if (!stage) return;
  const { scale } = viewOf(stage);
  const percent = formatNumber(Math.round(scale * sizes(stage).fit * 100));
  for (const level of document.querySelectorAll("[data-zoom-level]")) level.textContent = `${percent}\u00a0%`;
  for (const tool of document.querySelectorAll('[data-zoom="toggle"]')) tool.setAttribute("aria-pressed", String(scale > 1.01));
}

function zoomByWheel(event) {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const stage = event.currentTarget;
  remember(stage);
  zoom(stage, viewOf(stage).scale * Math.exp(-event.deltaY / 300), fromMiddle(stage, event));
}

function moveByKey(event) {
  const stage = stageOf(event);
  const move = MOVES[event.key];
  if (!stage || event.target !== stage || !move || !stage.hasAttribute("data-zoomed")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  event.preventDefault();
  const { scale, x, y } = viewOf(stage);
  place(stage, { scale, x: x + move[0] * PAN_PIXELS, y: y + move[1] * PAN_PIXELS });
}

function grip(event) {
  const stage = stageOf(event);
  if (!stage || event.button !== 0 || event.target.closest("[data-picture-veil]")) return;
  remember(stage);
  drag = { stage, x: event.clientX, y: event.clientY, moved: false };
  if (stage.hasAttribute("data-zoomed")) stage.setPointerCapture(event.pointerId);
}

function pull(event) {
  if (!drag) return;
  const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
  if (!drag.moved && Math.hypot(dx, dy) < CLICK_PIXELS) return;
  drag = { ...drag, x: event.clientX, y: event.clientY, moved: true };
  if (!drag.stage.hasAttribute("data-zoomed")) return;
  drag.stage.setAttribute("data-dragging", "");
  const { scale, x, y } = viewOf(drag.stage);
  place(drag.stage, { scale, x: x + dx, y: y + dy });
}

function release(event) {
  if (drag && !drag.moved && stageOf(event) === drag.stage) toggle(drag.stage, fromMiddle(drag.stage, event));
  endDrag();
}

function endDrag() {
  drag?.stage.removeAttribute("data-dragging");
  drag = null;
}

/** Where a pointer is, in pixels from the middle of the stage. */
function fromMiddle(stage, event) {
  const box = stage.getBoundingClientRect();
  return { x: event.clientX - box.x - box.width / 2, y: event.clientY - box.y - box.height / 2 };
}
