/** The CSRF token. A new sign-in renews it, so it is read whenever it is needed. */

export function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}
