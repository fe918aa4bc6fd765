/** Scrolls a new transcript to the message to review, or else to its end. */

export function keepJudgedInView() {
  // After everything else is in place: tools shown by scripts push the content below them down.
  const soon = () => queueMicrotask(show);
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "desk") soon(); });
  soon();
}

function show() {
  const item = document.querySelector("[data-desk] #item");
  // Candidates with transcripts stand side by side and start at their beginning.
  if (!item?.querySelector(".content-messages") || item.querySelector(".candidate")) return;
  const judged = item.querySelector("[data-judged]");
  const target = judged ?? item.querySelector(".content-messages .messages-list:last-child > li:last-child");
  if (target && !isWithin(target, scroller(item))) reveal(target, scroller(item));
}

/** The element that scrolls: the item itself, or its container on phones. */
function scroller(item) {
  return getComputedStyle(item).overflowY === "visible" ? item.parentElement : item;
}

function isWithin(target, box) {
  const [inner, outer] = [target.getBoundingClientRect(), box.getBoundingClientRect()];
  return inner.top >= outer.top && inner.bottom <= outer.bottom;
}

/**
 * Shows the whole message with its end at the bottom, or the beginning of a message that is too tall. The rest of the
 * page does not move, except in a window so low that the whole page scrolls.
 */
function reveal(target, box) {
  const fits = target.offsetHeight < box.clientHeight;
  if (box.scrollHeight <= box.clientHeight) return target.scrollIntoView({ block: fits ? "end" : "start", behavior: "instant" });
  const [inner, outer] = [target.getBoundingClientRect(), box.getBoundingClientRect()];
  const top = outer.top + box.clientTop;
  const bottom = top + box.clientHeight - parseFloat(getComputedStyle(box).paddingBottom);
  box.scrollTop += fits ? inner.bottom - bottom : inner.top - top;
}
