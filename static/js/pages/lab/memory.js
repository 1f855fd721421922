// What this browser remembers of a lesson: what was answered, and that it was done. Owns the keys in localStorage.

const keyOf = (slug) => `envivo.lab.${slug}`;

/** Return what is remembered of a lesson, {} where that is nothing. */
export function remembered(slug) {
  try {
    return JSON.parse(localStorage.getItem(keyOf(slug))) ?? {};
  } catch {
    return {};
  }
}

/** Remember something more of a lesson; returns all of it. Where storage is refused it holds for this page. */
export function remember(slug, more, known = remembered(slug)) {
  const all = { ...known, ...more };
  try {
    localStorage.setItem(keyOf(slug), JSON.stringify(all));
  } catch {
    // private windows may refuse it
  }
  return all;
}

/** Forget what is remembered of a lesson. */
export function forget(slug) {
  try {
    localStorage.removeItem(keyOf(slug));
  } catch {
    // then there was nothing
  }
}
