/** The question above the answers: whoever leaves a field is there, and the next key is an answer's. */

import { put } from "./notices.js";

export function goToQuestion() {
  document.getElementById("question").focus();
}

/** Somebody wants to send what has no answer yet. What the notice tells already is more important. */
export function askForAnswer() {
  goToQuestion();
  if (!document.querySelector("#notice [data-problem]")) put("unanswered");
}
