/** The CSRF token. A new sign-in renews it, so it is read whenever it is needed. */

/** The cookie's name depends on the installation; the page has it. */
const name = document.documentElement.dataset.csrfCookie;

export function csrfToken() {
  return document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}
