/** Reads the fields of a form into a draft, `{name: [value, ...]}`, and writes a draft into a form. */

import { fitLines, isList } from "./list_rows.js";

/** Remarks are kept from one stage to the next; answers are not. */
const REMARKS = new Set(["note", "reason", "error_type"]);
const NOT_FILLED_IN = new Set(["submit", "button", "reset", "hidden", "file"]);

/**
 * The draft has every group of checkboxes, even with none ticked, and every list, even without lines.
 *
 * @param {HTMLFormElement} form
 */
export function read(form) {
  /** @type {Record<string, string[]>} */
  const fields = {};
  for (const control of controls(form)) {
    const values = fields[control.name] ??= [];
    if (!isTick(control) || control.checked) values.push(control.value);
  }
  return fields;
}

/** Writes a draft into the form and fires input events. Fields that are not in the draft stay as they are. */
export function write(form, fields) {
  fitLines(form, fields);
  const taken = {};
  for (const control of controls(form)) {
    const values = fields[control.name];
    if (!values) continue;
    if (isTick(control)) put(control, "checked", values.includes(control.value));
    else put(control, "value", values[taken[control.name] = (taken[control.name] ?? -1) + 1] ?? "");
  }
}

/**
 * The part of a draft that fits a stage. A draft written with the AI's answer visible is never put into a form that
 * hides it; a draft from before keeps only its remarks.
 */
export function fitting({ stage, fields }, now) {
  if (stage === now) return fields;
  if (now === "first") return null;
  const remarks = Object.entries(fields).filter(([name]) => REMARKS.has(name));
  return remarks.length ? Object.fromEntries(remarks) : null;
}

/** Includes disabled controls: a lost item keeps its input. */
function controls(form) {
  return [...form.elements].filter((control) => control.name && control.tagName !== "BUTTON" && isFilledIn(control));
}

function isFilledIn(control) {
  return isList(control) || !NOT_FILLED_IN.has(control.type);
}

function isTick(control) {
  return control.type === "checkbox" || control.type === "radio";
}

function put(control, property, value) {
  if (control[property] === value) return;
  control[property] = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
  control.dispatchEvent(new Event("change", { bubbles: true }));
}
