/** What the content answers to, whatever its kind; listens once for all items. */

import { listenForFind } from "./find.js";
import { listenForFolds } from "./folding.js";
import { listenForLegends } from "./spans.js";

export function listenInContent() {
  listenForFind();
  listenForFolds();
  listenForLegends();
}
