/** Two tabs on one item: what is done in one of them, the other says at once. */

/**
 * @param {(how: string, where: string, claim?: string) => void} told an item was decided, passed on, answered or given
 *   back in another tab, or stands there by this claim; `where` is the place of its draft, which names the person and
 *   the item
 */
export function listenToTabs(told) {
  const channel = new BroadcastChannel("desk");
  channel.addEventListener("message", ({ data }) => told(data.how, data.where, data.claim));
  return {
    tell: (how, where, claim) => channel.postMessage({ how, where, claim }),
  };
}
