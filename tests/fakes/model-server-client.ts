/** How the model server answers for one file. Plain data, so that a page can ask for it over HTTP. */
export interface ServedFile {
  /** Begins with a slash. Below `/<owner>/<name>/resolve/<revision>/` the server speaks as a model hub. */
  readonly path: string;
  /** Content: `contentOf(seed, sizeBytes)`. */
  readonly seed: number;
  readonly sizeBytes: number;
  /** `strong` when absent. `none` leaves out the date too. */
  readonly validator?: 'strong' | 'weak' | 'date' | 'none';
  /** Other origins may not read `ETag` and `Content-Range`. */
  readonly unexposed?: boolean;
  /** Gives the whole file whatever part is asked for. */
  readonly ignoreRange?: boolean;
  /**
   * The next answers break off after so many bytes of their body, one after the other. A browser drops what it has of an
   * answer that breaks off before it was read: what must not be lost is cut by `cut`.
   */
  readonly cutAfterBytes?: readonly number[];
  /** Every answer breaks off after so many bytes. */
  readonly alwaysCutAfterBytes?: number;
  /** One bit of this byte of the file is wrong, in the first `flips` answers that hold it. */
  readonly flipByte?: number;
  readonly flips?: number;
  /** Says that the file has this length, whatever it has. */
  readonly announceBytes?: number;
  /** Says no length at all. */
  readonly lengthless?: boolean;
  /** The next answers have these statuses and no body. */
  readonly statuses?: readonly number[];
  /** Sends so many bytes of each body, then waits for `release` or `cut`. */
  readonly holdAfterBytes?: number;
  /** What the hub's list of files says the SHA-256 is. */
  readonly hubWord?: string;
  /** What `X-Linked-ETag` says, on the file itself. */
  readonly linkedEtag?: string;
}

export interface ServedRequest {
  readonly method: string;
  readonly range: string | null;
  readonly ifRange: string | null;
}

export interface ServedLog {
  /** Bytes of bodies that were handed to the network. */
  readonly sentBytes: number;
  readonly requests: readonly ServedRequest[];
  /** Questions of a browser whether it may ask: none is answered with yes. */
  readonly preflights: number;
}

/** Bytes that neither compress nor repeat; the same for the same seed. */
export function contentOf(seed: number, sizeBytes: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state >>> 0;
  }
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

/** The model server as those see it who run elsewhere: a test in a page or in Node. */
export interface ModelServerClient {
  urlOf(path: string): string;
  /** Serves a file, in place of what was at its path, and begins its log anew. */
  serve(file: ServedFile): Promise<string>;
  /** Resolves when an answer for this file waits for `release`. */
  held(path: string): Promise<void>;
  /** Resolves when the server has noticed that a reader of this file closed the line before the end. */
  left(path: string): Promise<void>;
  /** Lets the answers that wait go on, and those that come. */
  release(path: string): Promise<void>;
  /** Breaks the connections of the answers that wait. */
  cut(path: string): Promise<void>;
  log(path: string): Promise<ServedLog>;
}

export function modelServerAt(origin: string): ModelServerClient {
  const ask = async (action: string, body: unknown): Promise<unknown> => {
    const response = await fetch(`${origin}/control/${action}`, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`The model server answered ${response.status} to ${action}.`);
    return response.json();
  };
  return {
    urlOf: (path) => origin + path,
    async serve(file) {
      await ask('serve', file);
      return origin + file.path;
    },
    async held(path) {
      await ask('held', { path });
    },
    async left(path) {
      await ask('left', { path });
    },
    async release(path) {
      await ask('release', { path });
    },
    async cut(path) {
      await ask('cut', { path });
    },
    log: async (path) => (await ask('log', { path })) as ServedLog,
  };
}
