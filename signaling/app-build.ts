import { spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, ok, type Result } from '#core/base/result';

/** What the built app is made of. */
const SOURCES = [
  'src',
  'static',
  'workers',
  'package.json',
  'package-lock.json',
  'svelte.config.js',
  'vite.config.ts',
  'tsconfig.json',
];
/** Parts of the sources that never reach the app. */
const NOT_IN_THE_APP = /\.(?:test\.ts|py)$|[/\\]__pycache__$/;
/** The last file that a build writes. */
const BUILT = join('build', '200.html');

/**
 * True when there is no whole build, or a source is newer than it. Folders count too: their date changes when a file is
 * taken away.
 */
export async function needsBuild(root: string): Promise<boolean> {
  const built = await stat(join(root, BUILT)).catch(() => null);
  if (built === null) return true;
  for (const source of SOURCES) {
    if (await hasNewer(join(root, source), built.mtimeMs)) return true;
  }
  return false;
}

async function hasNewer(path: string, thanMs: number): Promise<boolean> {
  if (NOT_IN_THE_APP.test(path)) return false;
  const entry = await stat(path).catch(() => null);
  if (entry === null) return false;
  if (!entry.isDirectory()) return entry.mtimeMs > thanMs;
  for (const name of await readdir(path)) {
    if (await hasNewer(join(path, name), thanMs)) return true;
  }
  return false;
}

/** How much of a failed build's output is shown: the end, where the reason stands. */
const MAX_OUTPUT_CHARS = 8_000;

/** Runs `vite build` in its own process, whose memory goes away with it. Code `build_failed`, with the end of its output. */
export function buildApp(root: string): Promise<Result<void>> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-MAX_OUTPUT_CHARS);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const onSignal = () => child.kill();
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    const end = (result: Result<void>) => {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      resolve(result);
    };
    child.once('error', (error) => end(fail('build_failed', `The app could not be built: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (signal !== null) end(fail('build_stopped', 'The build was stopped.'));
      else if (code === 0) end(ok(undefined));
      else end(fail('build_failed', `The app could not be built:\n${output.trimEnd()}`));
    });
  });
}
