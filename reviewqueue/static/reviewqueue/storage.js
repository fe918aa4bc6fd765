/** Browser storage, permanent or for a tab. Without storage, or with a full one, nothing is stored and nothing fails. */

export const inBrowser = guarded(() => localStorage);
export const inTab = guarded(() => sessionStorage);

/** @param {() => Storage} storage a function, because accessing disabled storage throws */
function guarded(storage) {
  return {
    /** @param {string} name @returns {string | null} */
    get: (name) => attempt(() => storage().getItem(name)),
    /** @param {string} name @param {string} text whether it was stored */
    set: (name, text) => Boolean(attempt(() => { storage().setItem(name, text); return true; })),
    /** @param {string} name */
    remove: (name) => { attempt(() => storage().removeItem(name)); },
    /** @returns {string[]} */
    names: () => attempt(() => Object.keys(storage())) ?? [],
  };
}

function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}
