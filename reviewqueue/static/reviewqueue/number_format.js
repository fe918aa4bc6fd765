/** Formats numbers with the thousands separator that the server uses on this page. */

/** @param {number} number a whole number */
export function formatNumber(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, document.documentElement.dataset.thousands);
}
