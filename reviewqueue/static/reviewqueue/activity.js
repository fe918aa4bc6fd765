/** How long somebody was really at it: the seconds in which the page was seen and touched not long ago.
 *
 * They are one item's: they go on when the AI's answer is shown, when the item is taken again, and after a reload.
 */

import { inTab } from "./storage.js";

const STILL_THERE = 60_000;
const PLACE = "desk-active";

export function countActivity() {
  let seconds = 0;
  let item = "";
  let touched = performance.now();
  for (const sign of ["keydown", "pointerdown", "pointermove", "wheel", "input"]) {
    document.addEventListener(sign, () => { touched = performance.now(); }, { passive: true });
  }
  const isActive = () => !document.hidden && performance.now() - touched < STILL_THERE;
  setInterval(() => {
    if (!isActive()) return;
    seconds += 1;
    inTab.set(PLACE, JSON.stringify({ item, seconds }));
  }, 1000);
  return {
    isActive,
    seconds: () => seconds,
    /** @param {string} next the item that is on the desk now */
    show(next) {
      if (next !== item) seconds = kept(next);
      item = next;
    },
  };
}

function kept(item) {
  try {
    const found = JSON.parse(inTab.get(PLACE) ?? "{}");
    return found.item === item && found.seconds > 0 ? found.seconds : 0;
  } catch {
    return 0;
  }
}
