/** Blur and greyscale: how a reviewer shields their eyes, remembered in this browser.
 *
 * The person's own setting comes with the desk (`data-blur`, `data-grey`) and holds until they press the key here. What
 * they pressed holds until they change the setting. A blurred picture is shown while it is held, or by one press.
 */

import { inBrowser } from "../storage.js";

const SHADES = ["blur", "grey"];
/** A longer press shows the picture only while it lasts. */
const HOLD = 350;

let heldSince = 0;

export function listenForShades() {
  document.addEventListener("click", choose);
  document.addEventListener("pointerdown", (event) => { if (isVeil(event)) hold(event); });
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, (event) => { if (isVeil(event)) letGo(event.target.closest("[data-picture-veil]")); });
  }
}

/** The desk may be another than before: what holds for it is shown at once, before it is painted. */
export function showShades() {
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
  // By keyboard or by a screen reader: there was no pointer to hold it with.
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

/** What was pressed in this browser, and what the setting was then. */
function chosen(shade) {
  const [was, own] = (inBrowser.get(name(shade)) ?? "").split(">");
  return { was, own };
}

/** What the person's settings say. */
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
  if (performance.now() - heldSince > HOLD) peek(veil, false);
}

function peek(veil, on = !veil.closest("[data-picture]").hasAttribute("data-peek")) {
  veil.closest("[data-picture]").toggleAttribute("data-peek", on);
  veil.setAttribute("aria-pressed", String(on));
}
