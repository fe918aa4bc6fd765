/** Asks now and then whether the item on the desk still needs an answer: its sender may have withdrawn it. */

const ASK_EVERY_MS = 15_000;

/**
 * @param {{isBusy: () => boolean, gone: (notice: string) => void}} desk busy: an answer is being sent, whose response
 *   decides; gone: called with the notice when the item needs no answer any more
 */
export function watchItem(desk) {
  setInterval(ask, ASK_EVERY_MS);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });

  async function ask() {
    const shown = document.querySelector("[data-desk]");
    const url = shown?.dataset.watch;
    if (!url || document.hidden || desk.isBusy() || document.querySelector("#notice [data-lost]")) return;
    const notice = await read(url);
    if (notice && document.querySelector("[data-desk]") === shown && !desk.isBusy()) desk.gone(notice);
  }
}

/** @returns {Promise<string>} the notice, or nothing while the item is wanted or the server cannot be asked */
async function read(url) {
  try {
    const answer = await fetch(url, { headers: { "HX-Request": "true" }, redirect: "error" });
    return answer.status === 409 ? await answer.text() : "";
  } catch {
    return "";
  }
}
