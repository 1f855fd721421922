// Copying code with a button.

/**
 * Copy `code`, or select it: a page that is neither from this machine nor over TLS has no clipboard.
 * Returns whether it was copied.
 */
export async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return false;
  }
}
