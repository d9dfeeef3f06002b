import type { Peer } from 'peerjs';

type PeerModule = { readonly Peer: typeof Peer };

let loading: Promise<PeerModule> | null = null;

/**
 * Loads PeerJS as a chunk of its own. While it loads, PeerJS makes a throw-away connection with its public default
 * servers to see what the browser can do; it gathers nothing, but those servers are kept out of it all the same.
 */
export function loadPeerJs(): Promise<PeerModule> {
  loading ??= loadWithoutPublicServers().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function loadWithoutPublicServers(): Promise<PeerModule> {
  const Original = globalThis.RTCPeerConnection;
  if (Original === undefined) return import('peerjs');
  let isLoading = true;
  const Guarded = new Proxy(Original, {
    construct(target, [config, ...rest], newTarget) {
      const kept: unknown = isLoading ? { ...(config as RTCConfiguration | undefined), iceServers: [] } : config;
      return Reflect.construct(target, [kept, ...(rest as unknown[])], newTarget) as RTCPeerConnection;
    },
  });
  globalThis.RTCPeerConnection = Guarded;
  try {
    return await import('peerjs');
  } finally {
    isLoading = false;
    if (globalThis.RTCPeerConnection === Guarded) globalThis.RTCPeerConnection = Original;
  }
}
