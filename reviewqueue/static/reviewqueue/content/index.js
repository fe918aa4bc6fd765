/** Listeners for all kinds of content, added once for all items. */

import { listenForFind } from "./find.js";
import { listenForFolds } from "./folding.js";
import { listenForPictures } from "./pictures.js";
import { listenForLegends } from "./spans.js";
import { keepJudgedInView } from "./transcripts.js";

export function listenInContent() {
  listenForFind();
  listenForFolds();
  listenForLegends();
  listenForPictures();
  keepJudgedInView();
}
