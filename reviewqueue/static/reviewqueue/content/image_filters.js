/** Blur and greyscale for images, remembered in this browser.
 *
 * The person's setting comes with the desk (`data-blur`, `data-grey`) and applies until they press the button here;
 * that choice applies until they change the setting. A blurred image is shown while it is held, or after one press.
 */

import { inBrowser } from "../storage.js";

const SHADES = ["blur", "grey"];
/** A longer press, in ms, shows the image only while it lasts. */
const HOLD_MS = 350;

let heldSince = 0;

export function listenForImageFilters() {
  document.addEventListener("click", choose);
  document.addEventListener("pointerdown", (event) => { if (isVeil(event)) hold(event); });
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, (event) => { if (isVeil(event)) letGo(event.target.closest("[data-picture-veil]")); });
  }
}

/** Call for each new desk, before it is painted. */
export function applyImageFilters() {
  for (const shade of SHADES) {
    if (chosen(shade).was !== String(setting(shade))) inBrowser.remove(name(shade));
    shown(shade, isOn(shade));
  }
}

function choose(event) {
  const tool = event.target.closest?.("[data-shade]");
  if (tool) {
    const on = !isOn(tool.dataset.shade);
    inBrowser.set(name(tool.dataset.shade), `${setting(tool.dataset.shade)}>${on}`);
    shown(tool.dataset.shade, on);
  }
  // By keyboard or screen reader, where there is no pointer to hold.
  if (isVeil(event) && event.detail === 0) peek(event.target.closest("[data-picture-veil]"));
}

function shown(shade, on) {
  document.documentElement.dataset[shade] = String(on);
  for (const tool of document.querySelectorAll(`[data-shade="${shade}"]`)) tool.setAttribute("aria-pressed", String(on));
  if (shade === "blur" && on) for (const veil of document.querySelectorAll("[data-picture-veil]")) peek(veil, false);
}

function isOn(shade) {
  return (chosen(shade).own ?? String(setting(shade))) === "true";
}

/** The choice in this browser, and the setting at that time. */
function chosen(shade) {
  const [was, own] = (inBrowser.get(name(shade)) ?? "").split(">");
  return { was, own };
}

/** The person's setting. */
function setting(shade) {
  const said = document.querySelector("[data-desk]")?.dataset[shade];
  return said !== undefined && said !== "false";
}

function name(shade) {
  return `desk-${shade}`;
}

function isVeil(event) {
  return Boolean(event.target.closest?.("[data-picture-veil]"));
}

function hold(event) {
  const veil = event.target.closest("[data-picture-veil]");
  heldSince = performance.now();
  veil.setPointerCapture(event.pointerId);
  peek(veil);
}

function letGo(veil) {
  if (performance.now() - heldSince > HOLD_MS) peek(veil, false);
}

function peek(veil, on = !veil.closest("[data-picture]").hasAttribute("data-peek")) {
  veil.closest("[data-picture]").toggleAttribute("data-peek", on);
  veil.setAttribute("aria-pressed", String(on));
}
