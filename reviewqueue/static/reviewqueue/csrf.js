/** The token that proves a request comes from our page. A new sign-in renews it, so it is read when it is needed. */

export function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}
