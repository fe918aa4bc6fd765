/** Keeps tabs with the same item in step: what happens in one is reported to the others. */

/**
 * @param {(how: string, where: string, claim?: string) => void} onMessage called when another tab decided, passed,
 *   answered or released an item, or shows it with this claim; `where` is the storage key of its draft, which names the
 *   person and the item
 */
export function listenToTabs(onMessage) {
  const channel = new BroadcastChannel("desk");
  channel.addEventListener("message", ({ data }) => onMessage(data.how, data.where, data.claim));
  return {
    tell: (how, where, claim) => channel.postMessage({ how, where, claim }),
  };
}
