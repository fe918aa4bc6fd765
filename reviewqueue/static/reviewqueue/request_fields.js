/** Removes the answer fields from requests that need no answer, whatever is filled in. */

import { put } from "./notices.js";

const PARTS = /^(answers$|whole$|(text|number|flag|date|json|list|group)(\.null|\.empty)?\/)/;

export function listenToPosts() {
  document.addEventListener("htmx:configRequest", lighten);
  document.addEventListener("htmx:afterRequest", tellTooLarge);
}

function lighten(event) {
  const { elt, formData, triggeringEvent } = event.detail;
  const button = triggeringEvent?.submitter ?? elt;
  if (!elt.closest?.("[data-judgement]") || !button.matches?.("button[name]")) return;
  if (button.name === "answer" || (button.name === "verdict" && button.value === "correct")) return;
  for (const name of new Set(formData.keys())) if (PARTS.test(name)) formData.delete(name);
}

function tellTooLarge(event) {
  if (event.detail.xhr?.status === 413 && event.detail.target?.id === "desk") put("too-large");
}
