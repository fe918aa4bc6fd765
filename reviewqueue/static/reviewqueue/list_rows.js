/** Lists inside an answer: adding and removing lines, and restoring the AI's lines. */

/** @param {HTMLElement} target what was clicked */
export function changeLines(target) {
  const list = /** @type {HTMLElement | null} */ (target.closest("[data-lines]"));
  if (!list) return;
  if (target.closest("[data-add-line]")) add(list);
  else if (target.closest("[data-remove-line]")) remove(list, target.closest("[data-line]"));
  else if (target.closest("[data-take-lines]")) takeBack(list);
}

/** Whether a control marks a list in the form, which may have no lines.
 *
 * @param {HTMLInputElement} control
 */
export function isList(control) {
  return control.type === "hidden" && /^list[./]/.test(control.name);
}

/** Gives the lists of a form as many lines as a draft has, under the same names.
 *
 * @param {HTMLFormElement} form
 * @param {Record<string, string[]>} fields
 */
export function fitLines(form, fields) {
  const names = new Map(Object.keys(fields).filter((name) => name.includes("/")).map((name) => [plain(name), name]));
  for (const list of form.querySelectorAll("[data-lines]")) {
    if (!names.has(plain(nameOf(list).name))) continue;
    const wanted = 1 + Math.max(-1, ...[...names.keys()].map((name) => placeIn(list, name)));
    const held = rows(list).children;
    const before = held.length;
    while (held.length > wanted) held[held.length - 1].remove();
    while (held.length < Math.min(wanted, Number(list.dataset.most))) rows(list).append(...copies(list, "[data-spare]"));
    if (held.length !== before) changed(list);
    for (const control of rows(list).querySelectorAll("[name]")) control.name = names.get(plain(control.name)) ?? control.name;
  }
}

function nameOf(list) {
  return /** @type {HTMLInputElement} */ ([...list.querySelectorAll("input[type=hidden]")].find(isList));
}

/** A field name without its code for an empty field. */
function plain(name) {
  return name.replace(/^(\w+)\.\w+\//, "$1/");
}

function placeIn(list, name) {
  const pointer = name.slice(name.indexOf("/"));
  return pointer.startsWith(`${list.dataset.pointer}/`) ? parseInt(pointer.slice(list.dataset.pointer.length + 1), 10) : -1;
}

function add(list) {
  const line = copies(list, "[data-spare]")[0];
  if (rows(list).children.length >= Number(list.dataset.most)) return;
  rows(list).append(line);
  changed(list);
  line.querySelector("input, select, textarea").focus();
}

function remove(list, line) {
  if (rows(list).children.length <= Number(list.dataset.least)) return;
  const neighbour = line.nextElementSibling ?? line.previousElementSibling;
  line.remove();
  changed(list);
  (neighbour?.querySelector("[data-remove-line]") ?? list.querySelector("[data-add-line]")).focus();
}

function takeBack(list) {
  rows(list).replaceChildren(...copies(list, "[data-theirs]"));
  changed(list);
  list.querySelector("[data-take-lines]").hidden = true;
  list.removeAttribute("data-edited");
  list.querySelector("[data-add-line]").focus();
}

function rows(list) {
  return list.querySelector("[data-rows]");
}

function copies(list, template) {
  const content = list.querySelector(template).content.cloneNode(true);
  for (const element of content.querySelectorAll("[data-scripted]")) element.hidden = false;
  return [...content.children];
}

/** Renumbers the lines and fires an input event, so that the draft is saved. */
function changed(list) {
  [...rows(list).children].forEach((line, place) => move(list, line, String(place)));
  const back = list.querySelector("[data-take-lines]");
  if (back) back.hidden = false;
  list.toggleAttribute("data-edited", true);
  nameOf(list).dispatchEvent(new Event("input", { bubbles: true }));
}

function move(list, line, place) {
  const was = line.dataset.line;
  line.dataset.line = place;
  line.setAttribute("aria-label", `${line.dataset.label} ${Number(place) + 1}`);
  for (const [attribute, start] of [
    ["name", list.dataset.pointer], ["data-pointer", list.dataset.pointer],
    ["id", list.id], ["for", list.id], ["aria-describedby", list.id],
  ]) {
    for (const element of line.querySelectorAll(`[${attribute}]`)) {
      const value = element.getAttribute(attribute);
      element.setAttribute(attribute, value.replace(`${start}/${was}`, () => `${start}/${place}`));
    }
  }
}
