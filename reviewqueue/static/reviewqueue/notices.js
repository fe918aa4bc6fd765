/** Shows the page's own notices where the server's refusals are shown. */

/**
 * @param {string} id of a template
 * @returns {HTMLElement} the notice area
 */
export function put(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  const notice = document.getElementById("notice");
  notice.replaceChildren(template.content.cloneNode(true));
  return notice;
}
