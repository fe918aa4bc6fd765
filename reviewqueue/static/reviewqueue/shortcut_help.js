/** The list of shortcuts: it shows those that work now, and holds the switch for single-key shortcuts. */

export function listenForShortcutHelp() {
  document.addEventListener("click", (event) => {
    if (event.target.closest?.('[data-dialog="keys"]')) showWhatApplies();
  }, { capture: true });
}

/** The server renders the person's setting into the checkbox; later it follows their clicks. */
export function areSingleKeysOff() {
  const box = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-keys-off]"));
  return box?.checked === true;
}

/** The person's own keys, also those of controls that are not on screen. */
export function shortcutKeys() {
  return new Set([...document.querySelectorAll("[data-shows]")].flatMap((line) => line.dataset.shows.split(" ")));
}

function showWhatApplies() {
  const carriers = [...document.querySelectorAll("[data-key]")].filter((element) => element.checkVisibility());
  const keys = new Set(carriers.flatMap((element) => element.dataset.key.split(" ")));
  for (const line of document.querySelectorAll("[data-shows]")) {
    line.hidden = !line.dataset.shows.split(" ").some((key) => keys.has(key));
  }
}
