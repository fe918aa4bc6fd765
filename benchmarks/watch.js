/** Watches a desk from inside its page: which item was painted when, and by which key something was sent for which.
 *
 * Put into the page before anything else of it runs. An item counts as painted from the beginning of the frame after
 * the one in which it was put on the page: a little later than it really was.
 */

(() => {
  const watch = { painted: "", sent: [], paintings: [] };
  let pressed = null;

  const onScreen = () => document.querySelector("[data-desk]")?.dataset.claim ?? "";

  function afterPainting(then) {
    requestAnimationFrame(() => requestAnimationFrame(() => then(performance.now())));
  }

  document.addEventListener("keydown", (event) => {
    pressed = { key: event.key, at: event.timeStamp, painted: watch.painted };
  }, { capture: true });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const path = /\/claims\/([\d.]+)\/[a-z-]+\/$/.exec(event.detail.requestConfig.path);
    if (path && pressed) watch.sent.push({ claim: path[1], key: pressed.key, painted: pressed.painted });
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "desk" && event.detail.elt?.id !== "desk") return;
    const { at } = pressed ?? { at: NaN };
    afterPainting((now) => {
      watch.painted = onScreen();
      watch.paintings.push({ claim: watch.painted, waited: now - at, server: serverTime() });
    });
  });

  document.addEventListener("DOMContentLoaded", () => afterPainting(() => { watch.painted = onScreen(); }));

  /** From the last request's leaving until its answer began to come. */
  function serverTime() {
    const answered = performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/claims/"));
    performance.clearResourceTimings();
    const last = answered.at(-1);
    return last ? last.responseStart - last.requestStart : NaN;
  }

  /** What the two frames cost in which nothing happens. */
  watch.idle = () => new Promise((resolve) => {
    const began = performance.now();
    afterPainting((now) => resolve(now - began));
  });

  window.deskWatch = watch;
})();
