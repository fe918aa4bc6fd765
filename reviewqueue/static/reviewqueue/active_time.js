/** Counts active seconds: those in which the page was visible and used within the last minute.
 *
 * The count belongs to an item: it continues when the AI's answer is shown, when the item is reserved again, and after
 * a reload.
 */

import { inTab } from "./storage.js";

const IDLE_AFTER_MS = 60_000;
const STORAGE_KEY = "desk-active";

export function trackActiveTime() {
  let seconds = 0;
  let item = "";
  let touched = performance.now();
  for (const sign of ["keydown", "pointerdown", "pointermove", "wheel", "input"]) {
    document.addEventListener(sign, () => { touched = performance.now(); }, { passive: true });
  }
  const isActive = () => !document.hidden && performance.now() - touched < IDLE_AFTER_MS;
  setInterval(() => {
    if (!isActive()) return;
    seconds += 1;
    inTab.set(STORAGE_KEY, JSON.stringify({ item, seconds }));
  }, 1000);
  return {
    isActive,
    seconds: () => seconds,
    /** @param {string} next id of the item on the desk */
    show(next) {
      if (next !== item) seconds = storedSeconds(next);
      item = next;
    },
  };
}

function storedSeconds(item) {
  try {
    const found = JSON.parse(inTab.get(STORAGE_KEY) ?? "{}");
    return found.item === item && found.seconds > 0 ? found.seconds : 0;
  } catch {
    return 0;
  }
}
