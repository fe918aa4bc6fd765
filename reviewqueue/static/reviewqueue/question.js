/** The question above the answers: it gets the focus when a field is left, so that shortcuts work again. */

import { put } from "./notices.js";

export function goToQuestion() {
  document.getElementById("question").focus();
}

/** Asks for an answer before sending. A notice that is already shown takes precedence. */
export function askForAnswer() {
  goToQuestion();
  if (!document.querySelector("#notice [data-problem]")) put("unanswered");
}
