/** Keyboard control of the inbox: Enter starts with the most pressing queue, arrows move through the queues. */

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat) return;
  if (document.querySelector("dialog[open], :popover-open")) return;
  if (event.key === "Enter") begin(event);
  if (event.key in STEPS) move(event, STEPS[event.key]);
});

/** Enter on a link or control is left to the browser. */
function begin(event) {
  if (event.target.closest?.("a, button, input, select, textarea, summary")) return;
  /** @type {HTMLElement | null} */ (document.querySelector("[data-start]"))?.click();
}

function move(event, step) {
  if (event.target.closest?.("input, select, textarea")) return;
  const queues = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-queue]")]);
  if (queues.length === 0) return;
  event.preventDefault();
  const at = queues.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const next = at < 0 ? (step > 0 ? 0 : queues.length - 1) : Math.min(Math.max(at + step, 0), queues.length - 1);
  queues[next].focus();
}
