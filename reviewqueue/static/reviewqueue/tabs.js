/** Two tabs on one item: what one of them decided, the other says at once. */

/**
 * @param {(how: string, where: string) => void} told an item was decided, passed on or answered in another tab;
 *   `where` is the place of its draft, which names the person and the item
 */
export function listenToTabs(told) {
  const channel = new BroadcastChannel("desk");
  channel.addEventListener("message", ({ data }) => told(data.how, data.where));
  return {
    tell: (how, where) => channel.postMessage({ how, where }),
  };
}
