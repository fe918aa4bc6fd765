/** Opens a select by its shortcut; after a choice, the focus returns to the item and shortcuts work again. */

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
