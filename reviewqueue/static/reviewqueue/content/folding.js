/** Expands or collapses all of a data tree at once. The shortcut does it for all trees of the item. */

export function listenForFolds() {
  document.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const tools = target.closest("[data-folds]");
    if (!tools) return;
    const button = /** @type {HTMLElement | null} */ (target.closest("[data-fold]"));
    if (button) fold([tools.closest(".content-tree")], button.dataset.fold === "open");
    else if (target === tools) turn();
  });
}

/** Opens all folds; if all are open, closes them. */
function turn() {
  const trees = [...document.querySelectorAll("#item .content-tree")];
  fold(trees, trees.some((tree) => tree.querySelector("details:not([open])")));
}

/** @param {Element[]} trees @param {boolean} open */
function fold(trees, open) {
  for (const details of trees.flatMap((tree) => [...tree.querySelectorAll("details")])) details.open = open;
}
