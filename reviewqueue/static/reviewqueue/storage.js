/** What a browser remembers, for good or for a tab. It may have no storage, or a full one: then it remembers nothing. */

export const inBrowser = guarded(() => localStorage);
export const inTab = guarded(() => sessionStorage);

/** @param {() => Storage} storage where it is switched off, to name it is to fail */
function guarded(storage) {
  return {
    /** @param {string} name @returns {string | null} */
    get: (name) => attempt(() => storage().getItem(name)),
    /** @param {string} name @param {string} text whether it is kept now */
    set: (name, text) => Boolean(attempt(() => { storage().setItem(name, text); return true; })),
    /** @param {string} name */
    remove: (name) => { attempt(() => storage().removeItem(name)); },
    /** @returns {string[]} */
    names: () => attempt(() => Object.keys(storage())) ?? [],
  };
}

function attempt(deed) {
  try {
    return deed();
  } catch {
    return null;
  }
}
