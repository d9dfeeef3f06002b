/** The page that draws every place; it has absolute addresses, so it can stand in for any of them. */
export const FALLBACK_PAGE = '/200.html';

/** Addresses that the server answers itself, so that opening one in a tab must reach it and not the app. */
export const SERVER_PATHS: readonly RegExp[] = [
  /^\/(peerjs|api|healthz|metrics|schemas|_app)(\/|\?|$)/,
  // The files of models lie below the address of the place that lists them, which is a place like any other.
  /^\/models\/[^?]/,
  /^\/tabmesh-ca\.crt(\?|$)/,
];
