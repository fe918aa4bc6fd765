/** What the content answers to, whatever its kind; listens once for all items. */

import { listenForLegends } from "./spans.js";

export function listenInContent() {
  listenForLegends();
}
