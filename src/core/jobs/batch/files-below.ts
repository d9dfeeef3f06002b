import type { FlowFiles } from './flow-files';

/**
 * The files that belong together out of what a person opened: a zip or a folder often holds them one level down, below the
 * folder's name. Paths are taken from the folder in which a mark lies, the nearest to the top; null without any. A mark is
 * asked for by its path in that folder, which has at most two parts.
 */
export function filesBelow(files: FlowFiles, isMark: (path: string) => boolean): FlowFiles | null {
  const folders = new Set([...files.keys()].flatMap((path) => folderOf(path, isMark) ?? []));
  const [nearest] = [...folders].sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  if (nearest === undefined) return null;
  if (nearest === '') return files;
  return new Map(
    [...files].filter(([path]) => path.startsWith(nearest)).map(([path, text]) => [path.slice(nearest.length), text]),
  );
}

/** The folder in which this path is a mark, with the stroke behind it. */
function folderOf(path: string, isMark: (path: string) => boolean): string | null {
  const name = path.lastIndexOf('/') + 1;
  const parent = path.lastIndexOf('/', name - 2) + 1;
  const start = [parent, name].find((at) => isMark(path.slice(at)));
  return start === undefined ? null : path.slice(0, start);
}

const depth = (folder: string): number => folder.split('/').length;
