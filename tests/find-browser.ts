import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, type LaunchOptions } from 'playwright';
import { fail, ok, type Result } from '#core/base/result';

/** Where distributions put Chromium, in the order in which they are tried. */
const SYSTEM_CHROMIUMS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The flags keep the browser from calling home; none of them changes what the app may do. */
const QUIET_FLAGS = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Playwright's own Chromium when it was downloaded, else one that the system has, else null. */
export function findBrowser(): string | null {
  const own = chromium.executablePath();
  if (own !== '' && existsSync(own)) return own;
  return SYSTEM_CHROMIUMS.find((path) => existsSync(path)) ?? null;
}

/** Launch options for the browser that was found; the sandbox is off only for root, who cannot have one. */
export function browserLaunch(extraFlags: readonly string[] = []): LaunchOptions {
  const executablePath = findBrowser();
  if (executablePath === null)
    throw new Error('No Chromium was found: run `npm test`, which installs one, or `npx playwright install chromium`.');
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return { executablePath, args: [...sandbox, ...QUIET_FLAGS, ...extraFlags] };
}

/** Packages may ask questions and draw; here is nobody to answer. */
const UNATTENDED = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };

const runs = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: UNATTENDED }).status === 0;

/**
 * The browser that is there, else one that is installed now, said in one line: the system's package as root on Debian
 * and its kin, else Playwright's download.
 */
export function ensureBrowser(): Result<string> {
  const found = findBrowser();
  if (found !== null) return ok(found);
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('No Chromium here: installing the system package (apt-get install chromium).');
    if (runs('apt-get', 'update', '-qq'))
      runs('apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'chromium');
  } else {
    console.log("No Chromium here: downloading Playwright's own (npx playwright install chromium).");
    const playwright = fileURLToPath(new URL('../node_modules/.bin/playwright', import.meta.url));
    runs(playwright, 'install', 'chromium');
  }
  const installed = findBrowser();
  return installed === null
    ? fail(
        'no_browser',
        'No Chromium could be installed: install one (Debian: apt-get install chromium; elsewhere: npx playwright install chromium) and run npm test again.',
      )
    : ok(installed);
}
