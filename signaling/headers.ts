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
const scriptPolicy = (...hosts: readonly string[]): string =>
  [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    `connect-src ${["'self'", 'blob:', 'data:', ...hosts].join(' ')}`,
    "worker-src 'self'",
    "frame-ancestors 'none'",
  ].join('; ');

const SCRIPT_POLICY = scriptPolicy();

/**
 * The model hub, where its redirects lead, and where the libraries of web-llm lie: only the worker that stores models may
 * reach them, and it asks only for what a person chose.
 */
const STORE_POLICY = scriptPolicy(
  'https://huggingface.co',
  'https://*.huggingface.co',
  'https://*.hf.co',
  'https://raw.githubusercontent.com',
);
const STORE_WORKER = /\/workers\/store\.worker-[^/]+\.js$/;

/** The policy of one script, by its path. */
export const policyOfScript = (path: string): string => (STORE_WORKER.test(path) ? STORE_POLICY : SCRIPT_POLICY);

/** Over TLS, for names that nobody else shares. */
export const STRICT_TRANSPORT = 'max-age=2592000';
