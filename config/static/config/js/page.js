/** What every page can do. The appearance is a cookie that the server reads, so no page flashes. */

const choice = document.querySelector("[data-theme-choice]");

if (choice) {
  choice.hidden = false;
  choice.addEventListener("change", (event) => choose(/** @type {HTMLInputElement} */ (event.target).value));
}

/** @param {string} theme "light", "dark", or "" for the system's */
function choose(theme) {
  const root = document.documentElement;
  theme ? root.setAttribute("data-theme", theme) : root.removeAttribute("data-theme");
  document.querySelector('meta[name="color-scheme"]')?.setAttribute("content", theme || "light dark");
  document.cookie = `theme=${theme}; path=/; max-age=${theme ? 31536000 : 0}; samesite=lax`;
}

/** Times are shown in the reader's time zone: the server knows it from the second page on. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split("; ").includes(`zone=${zone}`)) {
  document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
}

/** A whole page in the place of a part of one: the sign-in, say, after the session ended. It is not put there. */
document.addEventListener("htmx:beforeSwap", (event) => {
  const detail = /** @type {CustomEvent} */ (event).detail;
  if (/^\s*<!doctype html/i.test(detail.xhr.responseText)) detail.shouldSwap = false;
});

/** Buttons that copy the text of another element, shown once they can. */
for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("[data-copy]");
  if (button) copy(button);
});

/** @param {HTMLElement} button */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = button.dataset.copied;
  } catch {
    // Without permission, or without HTTPS: select the text, so that one key press copies it.
    source.focus();
    source.select ? source.select() : getSelection().selectAllChildren(source);
  }
}
