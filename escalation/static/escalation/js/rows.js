/** Rows of inputs: adding and removing them. `escalation/forms/rows.py` reads them by the index in their names. */

document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const list = /** @type {HTMLElement | null} */ (target.closest("[data-rows]"));
  if (!list) return;
  if (target.closest("[data-add-row]")) addRow(list);
  else if (target.closest("[data-remove-row]")) removeRow(list, target.closest("[data-row]"));
});

/** @param {HTMLElement} list */
function addRow(list) {
  const template = /** @type {HTMLTemplateElement} */ (list.querySelector(":scope > template"));
  const index = list.dataset.next ?? "0";
  list.dataset.next = String(Number(index) + 1);
  template.insertAdjacentHTML("beforebegin", template.innerHTML.replaceAll(list.dataset.rows ?? "", index));
  focusFirstInput(template.previousElementSibling);
}

/** Removes a row; the focus goes to the row that takes its place, or to the button that adds one.
 *
 * @param {HTMLElement} list
 * @param {Element | null} row
 */
function removeRow(list, row) {
  if (!row) return;
  const rows = [...list.querySelectorAll(":scope > [data-row]")];
  const neighbour = rows[rows.indexOf(row) + 1] ?? rows[rows.indexOf(row) - 1];
  row.remove();
  const button = /** @type {HTMLElement} */ (list.querySelector(":scope > [data-add-row]"));
  if (neighbour) focusFirstInput(neighbour);
  else button.focus();
  list.dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {Element | null} row */
function focusFirstInput(row) {
  row?.querySelector("input")?.focus();
}
