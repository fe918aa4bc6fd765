/** The page of a past decision: its content has the same tools as on the desk. */

import { listenInContent } from "./content/index.js";

listenInContent();
for (const element of document.querySelectorAll("[data-scripted]")) element.hidden = false;
