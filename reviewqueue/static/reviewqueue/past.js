/** A decision read again: its content answers as it did at the desk. */

import { listenInContent } from "./content/index.js";

listenInContent();
for (const element of document.querySelectorAll("[data-scripted]")) element.hidden = false;
