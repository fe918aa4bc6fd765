/** The fields of a form as a draft keeps them, `{name: [value, ...]}`, and back into the form. */

import { fitLines, isList } from "./lines.js";

/** What is said beside an answer: it goes along from one stage to the next, answers don't. */
const REMARKS = new Set(["note", "reason", "error_type"]);
const NOT_FILLED_IN = new Set(["submit", "button", "reset", "hidden", "file"]);

/**
 * Every group of ticks is in it, also one of which none is ticked; and every list, also one without any line.
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

/** Puts them back and says so to whoever listens to the form. What the draft does not speak of stays as it is. */
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
 * What of a draft may stand in a form: one written with the AI's answer in sight never comes into a form that hides
 * it, and one from before only with its remarks.
 */
export function fitting({ stage, fields }, now) {
  if (stage === now) return fields;
  if (now === "first") return null;
  const remarks = Object.entries(fields).filter(([name]) => REMARKS.has(name));
  return remarks.length ? Object.fromEntries(remarks) : null;
}

/** Disabled ones too: an item that is lost keeps what was ticked. */
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
