/**
 * web-llm reads a model only through caches of its own, by these names, and fetches what they lack. In this worker they
 * are answered from the model store's files: nothing is copied, so there is one copy on disk at every moment and nothing
 * to clean up when the worker is killed half-way; and what they lack is refused, not fetched.
 */
const SCOPES: ReadonlySet<string> = new Set(['webllm/model', 'webllm/config', 'webllm/wasm']);

/** A host that cannot exist (RFC 2606). web-llm wants the `/resolve/…/` in the path, and `http` in front, to use its caches at all. */
export const addressOf = (modelHash: string): string => `https://models.invalid/${modelHash}/resolve/main/`;

/** What a worker's global scope has of this. */
export interface NetworkScope {
  caches?: unknown;
  fetch?: unknown;
}

export interface StoredScopes {
  /**
   * Lets go of the files. Once a model is loaded the runtime needs none of them: weights lie in the graphics memory, the
   * library is compiled, the tokenizer parsed.
   */
  close(): void;
}

const put = (scope: NetworkScope, name: keyof NetworkScope, value: unknown): void =>
  void Object.defineProperty(scope, name, { value, configurable: true, writable: true });

/** Ends every use of the network from this scope: whatever still asks for something is refused at once. */
export function closeNetwork(scope: NetworkScope): void {
  put(scope, 'fetch', () => Promise.reject(new TypeError('The engine may not use the network.')));
}

/**
 * Puts the files under `address` into the three scopes. `onServed` is told of each path when it is read for the first
 * time. After `signal` nothing is read any more: of loading from its caches web-llm itself would stop nothing.
 */
export function serveStored(
  scope: NetworkScope,
  address: string,
  blobByPath: Readonly<Record<string, Blob>>,
  onServed: (path: string) => void,
  signal: AbortSignal,
): StoredScopes {
  const files = new Map(Object.entries(blobByPath));
  const unread = new Set(files.keys());
  const pathOf = (request: RequestInfo | URL): string => {
    const url = request instanceof Request ? request.url : String(request);
    return url.startsWith(address) ? decodeURIComponent(url.slice(address.length)) : '';
  };
  const cache: Pick<Cache, 'match' | 'keys' | 'add' | 'delete'> = {
    async match(request) {
      signal.throwIfAborted();
      const path = pathOf(request);
      const blob = files.get(path);
      if (blob === undefined) return undefined;
      if (unread.delete(path)) onServed(path);
      return new Response(blob);
    },
    keys: async () => [...files.keys()].map((path) => new Request(address + path)),
    add: (request) =>
      Promise.reject(new TypeError(`The model has no file ${pathOf(request) || 'at an address outside of it'}.`)),
    delete: async () => false,
  };
  const open = async (name: string) => {
    if (SCOPES.has(name)) return cache;
    throw new TypeError(`The engine has no cache called ${name}.`);
  };
  put(scope, 'caches', { open });
  return { close: () => files.clear() };
}
