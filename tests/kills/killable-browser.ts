import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { chromium, type Browser, type BrowserContext } from 'playwright';
import { browserLaunch } from '../find-browser';

const PORT_FILE = 'DevToolsActivePort';
const LOOK_AGAIN_MS = 10;
const MAX_START_MS = 60_000;
const MAX_GONE_MS = 5_000;

export interface KillableBrowser {
  readonly context: BrowserContext;
  /** Ends every process of the browser at once, as a power cut would, and resolves when the first of them is gone. */
  kill(): Promise<void>;
}

export interface KillableProfile {
  /** The browser over this profile; the one before must be gone. */
  launch(): Promise<KillableBrowser>;
  /** Kills what still runs and deletes the profile. */
  remove(): Promise<void>;
}

/** A profile on disk, and browsers of our own over it: what Playwright starts itself it would close with care. */
export async function createKillableProfile(): Promise<KillableProfile> {
  const folder = await mkdtemp(join(tmpdir(), 'tabmesh-profile-'));
  let running: ChildProcess | null = null;

  async function kill(): Promise<void> {
    const child = running;
    running = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    // The group: the browser process, and those that draw, store and run pages for it.
    process.kill(-child.pid!, 'SIGKILL');
    await gone;
    // None of them may still hold the profile when the next browser opens it.
    for (let waitedMs = 0; (await isAlive(child.pid!)) && waitedMs < MAX_GONE_MS; waitedMs += LOOK_AGAIN_MS)
      await after(LOOK_AGAIN_MS);
  }

  return {
    async launch() {
      const { executablePath, args = [] } = browserLaunch();
      await rm(join(folder, PORT_FILE), { force: true });
      const child = spawn(
        executablePath!,
        [...args, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank'],
        { stdio: 'ignore', detached: true },
      );
      running = child;
      const browser = await connect(folder, child);
      return { context: browser.contexts()[0]!, kill };
    },
    async remove() {
      await kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * Whether a process of the group lives. Dead ones that nobody buries, as in a container without an init, stay in the table and hold
 * nothing any more (proc_pid_stat(5): name, state, parent, group).
 */
async function isAlive(group: number): Promise<boolean> {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  // No such table: what the signal said must do.
  if (ids.length === 0) return true;
  for (const id of ids) {
    const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '');
    const [state, , of] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(of) === group && state !== 'Z' && state !== 'X') return true;
  }
  return false;
}

/** The browser says on which port it listens in a file of its profile. */
async function connect(folder: string, child: ChildProcess): Promise<Browser> {
  for (let waitedMs = 0; waitedMs < MAX_START_MS; waitedMs += LOOK_AGAIN_MS) {
    if (child.exitCode !== null) throw new Error(`The browser ended with ${child.exitCode} as it started.`);
    const [port] = (await readFile(join(folder, PORT_FILE), 'utf8').catch(() => '')).split('\n');
    if (port) return chromium.connectOverCDP(`http://127.0.0.1:${port}`);
    await after(LOOK_AGAIN_MS);
  }
  throw new Error('The browser did not start.');
}
