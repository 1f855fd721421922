// Who looks at this page: the page's address first, so that two windows can be two people, then what the server knows,
// then what this browser remembers. Owns the cookie and the key in localStorage that remember it.

const NAMES = ["user_id", "username"];
const KEY = "envivo.visitor";
const COOKIE = "envivo_user";
const GUEST = "guest-"; // how the user id of somebody begins whom the server does not know
const YEAR = 365 * 24 * 3600;

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? null;
  } catch {
    return null;
  }
}

/** Return {user_id, username} as strings, or null when nobody has given a name yet; `known` is what the server says. */
export function visitor(known = null) {
  const query = new URLSearchParams(location.search);
  const [id, name] = NAMES.map((field) => query.get(field)?.trim());
  if (id || name) return { user_id: id || name, username: name || id };
  const told = known?.username && !String(known.user_id).startsWith(GUEST);
  const found = told ? known : remembered();
  return found?.username ? { user_id: String(found.user_id), username: String(found.username) } : null;
}

/** Remember `username` in this browser, with the user id it already had or a new one; returns {user_id, username}. */
export function introduce(username, user_id = remembered()?.user_id ?? newUserId()) {
  const person = { user_id: String(user_id), username };
  try {
    localStorage.setItem(KEY, JSON.stringify(person));
  } catch {
    // the cookie below still holds
  }
  const value = encodeURIComponent(new URLSearchParams(person));
  document.cookie = `${COOKIE}=${value}; path=/; max-age=${YEAR}; samesite=lax`;
  return person;
}

function newUserId() {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return `v${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
