/** Answers with checkboxes: counts the ticked ones, says what Enter sends, and clears them all. */

import { formatNumber } from "./number_format.js";

export function listenToTicks() {
  document.addEventListener("change", (event) => { if (event.target.closest?.("[data-choices]")) count(); });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-clear-ticks]")) clear(); });
}

export function count() {
  const status = document.querySelector("[data-ticks]");
  if (!status) return;
  const ticked = boxes().filter((box) => box.checked).length;
  const text = status.dataset[ticked ? "some" : "none"].replace("{count}", formatNumber(ticked));
  if (status.textContent !== text) status.textContent = text;
  document.querySelector("[data-clear-ticks]").hidden = ticked === 0;
  tellSend(ticked);
}

/** With nothing ticked, sending says that nothing applies. */
function tellSend(ticked) {
  const send = document.querySelector("[data-send-ticked]");
  const label = send.querySelector(".choice-label");
  const text = send.dataset[ticked ? "some" : "none"];
  if (label.textContent !== text) label.textContent = text;
  const number = send.querySelector("[data-ticked-count]");
  number.textContent = formatNumber(ticked);
  number.hidden = ticked === 0;
}

function clear() {
  for (const box of boxes().filter((box) => box.checked)) {
    box.checked = false;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  boxes()[0]?.focus({ preventScroll: true }); // the button that had the focus is hidden now
}

/** @returns {HTMLInputElement[]} */
function boxes() {
  return [...document.querySelectorAll("[data-choices] input[type=checkbox]")];
}
