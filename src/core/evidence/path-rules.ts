export const MAX_PATH_CHARACTERS = 120;
/** Folders within folders; ours have one. */
export const MAX_PATH_DEPTH = 4;

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * Why a path may not stand in a bundle, or null: relative, with `/` between plain names, none of which begins with a dot, so
 * that it can never lead out of the folder that it is unpacked into.
 */
export function pathFault(path: string): string | null {
  if (path === '' || path.length > MAX_PATH_CHARACTERS) return `is not 1 to ${MAX_PATH_CHARACTERS} characters long`;
  const segments = path.split('/');
  if (segments.length > MAX_PATH_DEPTH) return `is deeper than ${MAX_PATH_DEPTH} names`;
  if (!segments.every((segment) => SEGMENT.test(segment) && !segment.endsWith('.')))
    return 'is not a plain relative path';
  return null;
}

/** The first path that may not stand in a bundle, or that differs from another by case alone, with why. */
export function pathsFault(paths: readonly string[]): { readonly path: string; readonly why: string } | null {
  const seen = new Set<string>();
  for (const path of paths) {
    const why = pathFault(path);
    if (why !== null) return { path, why };
    if (seen.has(path.toLowerCase())) return { path, why: 'stands there twice, or differs from another by case alone' };
    seen.add(path.toLowerCase());
  }
  return null;
}

/**
 * Where a recorded path is found among the files that are there: at its own place, or, in a folder whose files were put flat
 * beside each other, by its last name. Never anywhere else.
 */
export function resolvePath(recorded: string, there: { has(path: string): boolean }): string | null {
  if (there.has(recorded)) return recorded;
  const name = recorded.slice(recorded.lastIndexOf('/') + 1);
  return there.has(name) ? name : null;
}
