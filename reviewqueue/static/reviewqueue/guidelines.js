/** The guidelines in their dialog: the version of the item on the desk, which another item may have changed since. */

export function loadGuidelines() {
  document.addEventListener("click", (event) => {
    const opener = /** @type {Element} */ (event.target).closest('a[data-dialog="guidelines"]');
    if (opener) htmx.ajax("GET", opener.getAttribute("href"), { target: "#guidelines-text", swap: "innerHTML" });
  });
}
