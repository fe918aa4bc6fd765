/** What the page tells by itself stands where the server's refusals stand. */

/**
 * @param {string} id of a template
 * @returns {HTMLElement} what was put there
 */
export function put(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  const notice = document.getElementById("notice");
  notice.replaceChildren(template.content.cloneNode(true));
  return notice;
}
