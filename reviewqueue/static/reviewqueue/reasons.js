/** A list to choose from by key: it opens, and once something is chosen the desk's keys work again. */

/** @param {HTMLSelectElement} list */
export function choose(list) {
  list.focus();
  list.addEventListener("change", leave, { once: true });
  list.addEventListener("blur", () => list.removeEventListener("change", leave), { once: true });
  list.showPicker?.();
}

function leave(event) {
  event.target.blur();
  document.getElementById("item")?.focus({ preventScroll: true });
}
