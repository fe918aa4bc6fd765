/** Loads the guidelines into their dialog: the version for the item on the desk, which differs between items. */

export function loadGuidelines() {
  document.addEventListener("click", (event) => {
    const opener = /** @type {Element} */ (event.target).closest('a[data-dialog="guidelines"]');
    if (opener) htmx.ajax("GET", opener.getAttribute("href"), { target: "#guidelines-text", swap: "innerHTML" });
  });
}
