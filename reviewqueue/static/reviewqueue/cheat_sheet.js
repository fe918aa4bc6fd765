/** The list of all keys: it opens with the lines of what can be pressed now, and holds the switch of single keys. */

export function listenForCheatSheet() {
  document.addEventListener("click", (event) => {
    if (event.target.closest?.('[data-dialog="keys"]')) showWhatApplies();
  }, { capture: true });
}

/** The box is the person's choice as the server rendered it, and from then on as they tick it. */
export function areSingleKeysOff() {
  const box = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-keys-off]"));
  return box?.checked === true;
}

function showWhatApplies() {
  const carriers = [...document.querySelectorAll("[data-key]")].filter((element) => element.checkVisibility());
  const keys = new Set(carriers.flatMap((element) => element.dataset.key.split(" ")));
  for (const line of document.querySelectorAll("[data-shows]")) {
    line.hidden = !line.dataset.shows.split(" ").some((key) => keys.has(key));
  }
}
