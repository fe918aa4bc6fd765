/** Numbers as the reader writes them: by their browser's languages, which the server reads in the request. */

/** @param {number} number */
export function written(number) {
  return number.toLocaleString(navigator.languages);
}
