/**
 * Small things that the interface itself keeps across reloads (draft, conversation, theme before the node runs). A
 * browser that refuses storage, or has none left, makes these calls do nothing: the page goes on without.
 */
const PREFIX = 'tabmesh.ui.';

export function readKept(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

/** False when it could not be kept. */
export function keep(key: string, value: string | null): boolean {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, value);
    return true;
  } catch {
    return false;
  }
}

export function forgetKept(): void {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  } catch {
    // Nothing was kept where storage is refused.
  }
}
