/** The legend of a marked text: switches the marks of a label off and on. */

export function listenForLegends() {
  document.addEventListener("change", (event) => {
    const box = /** @type {HTMLElement} */ (event.target).closest("[data-span-switch]");
    if (!(box instanceof HTMLInputElement)) return;
    for (const mark of box.closest(".content-spans").querySelectorAll(`[data-span="${box.dataset.spanSwitch}"]`)) {
      mark.classList.toggle("span-off", !box.checked);
    }
  });
}
