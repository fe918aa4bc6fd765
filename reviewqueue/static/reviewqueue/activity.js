/** How long somebody was really at it: the seconds in which the page was seen and touched not long ago. */

const STILL_THERE = 60_000;

export function countActivity() {
  let seconds = 0;
  let touched = performance.now();
  for (const sign of ["keydown", "pointerdown", "pointermove", "wheel", "input"]) {
    document.addEventListener(sign, () => { touched = performance.now(); }, { passive: true });
  }
  const isActive = () => !document.hidden && performance.now() - touched < STILL_THERE;
  setInterval(() => { if (isActive()) seconds += 1; }, 1000);
  return {
    isActive,
    seconds: () => seconds,
    restart() { seconds = 0; },
  };
}
