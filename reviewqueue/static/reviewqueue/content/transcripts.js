/** What is judged of a transcript stands in view when it arrives: its last answer, or else its end. */

export function keepJudgedInView() {
  // Once everything else is in place: tools that need this script push what stands below them down.
  const soon = () => queueMicrotask(show);
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "desk") soon(); });
  soon();
}

function show() {
  const item = document.querySelector("[data-desk] #item");
  // Transcripts to choose between begin side by side: none of them has the view to itself.
  if (!item?.querySelector(".content-messages") || item.querySelector(".candidate")) return;
  const judged = item.querySelector("[data-judged]");
  const target = judged ?? item.querySelector(".content-messages .messages-list:last-child > li:last-child");
  if (target && !isWithin(target, scroller(item))) reveal(target, scroller(item));
}

/** The item scrolls in itself, on phones in what holds it. */
function scroller(item) {
  return getComputedStyle(item).overflowY === "visible" ? item.parentElement : item;
}

function isWithin(target, box) {
  const [inner, outer] = [target.getBoundingClientRect(), box.getBoundingClientRect()];
  return inner.top >= outer.top && inner.bottom <= outer.bottom;
}

/**
 * The whole message with the end at the bottom; the beginning of one that is taller than its place. What stands around
 * the item stays where it is, except in a window so low that all of the page scrolls.
 */
function reveal(target, box) {
  const fits = target.offsetHeight < box.clientHeight;
  if (box.scrollHeight <= box.clientHeight) return target.scrollIntoView({ block: fits ? "end" : "start", behavior: "instant" });
  const [inner, outer] = [target.getBoundingClientRect(), box.getBoundingClientRect()];
  const top = outer.top + box.clientTop;
  const bottom = top + box.clientHeight - parseFloat(getComputedStyle(box).paddingBottom);
  box.scrollTop += fits ? inner.bottom - bottom : inner.top - top;
}
