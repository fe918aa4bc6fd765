/**
 * Sends a submission until it arrives: one at a time, with the same values and the same claim.
 *
 * The server treats a repeated submission as one, so sending again is safe even if only its response was lost.
 */

import { csrfToken } from "./csrf.js";
import { put } from "./notices.js";

/** Seconds before the second attempt, the third, and every later one. */
const RETRY_SECONDS = [4, 8, 15];

/**
 * @typedef {{path: string, values: FormData, attempt: number, xhr: XMLHttpRequest, wait: number, timer: number,
 *   token: string, context: object, notice: ChildNode[]}} Sending
 */

/**
 * @param {object} desk
 * @param {() => object} desk.context what to remember of the desk while something is being sent
 * @param {(path: string, context: object) => void} desk.arrived called once the submission arrived and its response is on screen
 */
export function startSubmission(desk) {
  /** @type {Sending | null} */
  let sending = null;

  document.addEventListener("htmx:configRequest", freshToken);
  document.addEventListener("submit", freshField, { capture: true });
  document.addEventListener("htmx:beforeRequest", begin);
  document.addEventListener("htmx:afterRequest", ended);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-try-now]")) again();
    if (event.target.closest("[data-stop-trying]")) stop();
  });
  window.addEventListener("focus", () => { if (sending?.token && sending.token !== csrfToken()) again(); });
  window.addEventListener("online", () => { if (sending?.timer) again(); });
  window.addEventListener("beforeunload", (event) => { if (sending?.timer) event.preventDefault(); });

  function begin(event) {
    const { requestConfig, target, xhr } = event.detail;
    if (target?.id !== "desk") return;
    if (sending?.xhr) return event.preventDefault();
    sending ??= {
      path: requestConfig.path, values: copy(requestConfig.parameters), attempt: 1, wait: 0, timer: 0, token: "", context: desk.context(),
      notice: [...document.getElementById("notice").childNodes],
    };
    sending.xhr = xhr;
    showPressed(requestConfig.triggeringEvent?.submitter);
  }

  function ended(event) {
    const { xhr } = event.detail;
    if (!sending || xhr !== sending.xhr) return;
    sending.xhr = null;
    if (xhr.status === 401) return hold();
    if (xhr.status === 0 || xhr.status === 429 || xhr.status >= 500) return wait();
    const { path, context } = sending;
    free();
    if (xhr.status < 300) return desk.arrived(path, context);
    if (![400, 409, 422].includes(xhr.status)) put("refused");
  }

  /** It did not arrive: freeze the form until it does, or until the reviewer stops. */
  function wait() {
    sending.wait = RETRY_SECONDS[Math.min(sending.attempt, RETRY_SECONDS.length) - 1];
    sending.attempt += 1;
    freeze(true);
    const notice = put("unreached");
    notice.querySelector("[data-attempt]").textContent = String(sending.attempt);
    notice.querySelector("[data-try-now]").focus({ preventScroll: true });
    count();
    sending.timer = setInterval(count, 1000);
  }

  function count() {
    const seconds = document.querySelector("#notice [data-wait]");
    if (seconds) seconds.textContent = String(Math.max(0, sending.wait));
    if (sending.wait <= 0) again();
    else sending.wait -= 1;
  }

  /** Signed out: the submission waits until the reviewer has signed in, in another tab, and comes back. */
  function hold() {
    sending.token = csrfToken() || "none";
    freeze(true);
  }

  function again() {
    if (!sending || sending.xhr) return;
    clearInterval(sending.timer);
    sending.timer = 0;
    trying(true);
    htmx.ajax("POST", sending.path, { source: document.body, target: "#desk", swap: "outerHTML", values: copy(sending.values) }).catch(() => {});
  }

  function stop() {
    if (!sending) return;
    const { xhr, notice } = sending;
    free();
    xhr?.abort();
    if (!putBack(notice)) put("unsent");
  }

  function free() {
    clearInterval(sending.timer);
    sending = null;
    freeze(false);
    for (const button of document.querySelectorAll("[data-pressed]")) button.removeAttribute("data-pressed");
  }

  return {
    /** Whether something is being sent or waits to be sent again. */
    isBusy: () => sending !== null,
  };
}

/** Restores the notice of a lost item, because only it has the ways to go on. @param {ChildNode[]} notice */
function putBack(notice) {
  const place = document.getElementById("notice");
  if (!notice.some((node) => node instanceof Element && node.matches("[data-lost]"))) return false;
  place.replaceChildren(...notice);
  place.querySelector("[data-go-on]")?.focus();
  return true;
}

function freshToken(event) {
  const { headers, parameters, verb } = event.detail;
  if (verb === "get" || !csrfToken()) return;
  headers["X-CSRFToken"] = csrfToken();
  parameters.csrfmiddlewaretoken = csrfToken(); // the form has it as a field, which takes precedence
}

/** The same for a form that is submitted without htmx. */
function freshField(event) {
  const field = event.target.querySelector('input[name="csrfmiddlewaretoken"]');
  if (field && csrfToken()) field.value = csrfToken();
}

function copy(parameters) {
  const values = new FormData();
  for (const [name, value] of parameters.entries()) values.append(name, value);
  return values;
}

/** The button that sends shows it at once; while the response takes its time, it moves. */
function showPressed(button) {
  button?.setAttribute("data-pressed", "");
}

function freeze(frozen) {
  for (const form of document.querySelectorAll("[data-judgement]")) form.inert = frozen;
}

function trying(now) {
  for (const element of document.querySelectorAll("#notice [data-trying]")) element.hidden = !now;
  for (const element of document.querySelectorAll("#notice [data-countdown]")) element.hidden = now;
}
