/** What a page of this app may use of the device: the camera (for invite codes); nothing else that asks a person. */
const PERMISSIONS_POLICY = [
  'camera=(self)',
  ...[
    'accelerometer',
    'autoplay',
    'browsing-topics',
    'display-capture',
    'encrypted-media',
    'geolocation',
    'gyroscope',
    'hid',
    'idle-detection',
    'magnetometer',
    'microphone',
    'midi',
    'payment',
    'publickey-credentials-create',
    'publickey-credentials-get',
    'serial',
    'usb',
    'xr-spatial-tracking',
  ].map((feature) => `${feature}=()`),
].join(', ');

/**
 * On every answer. The page carries its own policy in a meta tag, with the hashes of its inline script; this header adds
 * what a meta tag cannot say. Cross-origin isolation gives WebAssembly its threads.
 */
export const COMMON_HEADERS = {
  'Content-Security-Policy': "frame-ancestors 'none'",
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': PERMISSIONS_POLICY,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

/**
 * On scripts. A worker takes its policy from its own response and not from the page that started it, so without this
 * header a worker would have none: code comes from here only, and nothing is sent anywhere else.
 */
export const SCRIPT_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "connect-src 'self' blob: data:",
  "worker-src 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Over TLS, for names that nobody else shares. */
export const STRICT_TRANSPORT = 'max-age=2592000';
