const HASHES = 'hashes.json';

/**
 * The files of a flow out of what a person opened: a zip or a folder often holds the flow one level down, below the folder's
 * name. Paths are taken from where the list of hashes lies, the nearest to the top; without one they stay as they are.
 */
export function flowFilesOf(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const lists = [...files.keys()].filter((path) => path === HASHES || path.endsWith(`/${HASHES}`));
  const [nearest] = lists.sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  if (nearest === undefined) return files;
  const above = nearest.slice(0, -HASHES.length);
  return new Map(
    [...files].filter(([path]) => path.startsWith(above)).map(([path, text]) => [path.slice(above.length), text]),
  );
}

const depth = (path: string): number => path.split('/').length;
