/** Numbers as the reader writes them: by what the server found, so that those beside them, which it wrote, are alike. */

/** @param {number} number a whole one */
export function written(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, document.documentElement.dataset.thousands);
}
