/** The page that draws every place; it has absolute addresses, so it can stand in for any of them. */
export const FALLBACK_PAGE = '/200.html';

/** Addresses that the server answers itself, so that opening one in a tab must reach it and not the app. */
export const SERVER_PATHS: readonly RegExp[] = [
  /^\/(peerjs|api|healthz|metrics|models|schemas|_app)(\/|\?|$)/,
  /^\/tabmesh-ca\.crt(\?|$)/,
];
