import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { commands } from '#cli/commands';
import { runCommandLine } from '#cli/run-command-line';
import { gateSample } from './gate-sample';

/**
 * `npm run evidence:sample [-- DIR]`: makes sample evidence and gates it from end to end; exit code 0 only when everything held. In a
 * new or empty DIR what was made stays, else it goes when it is over.
 */
const [kept] = process.argv.slice(2);
const folder =
  kept === undefined ? await mkdtemp(join(tmpdir(), 'tabmesh-sample-')) : resolve(process.env['INIT_CWD'] ?? '.', kept);
await mkdir(folder, { recursive: true });
if ((await readdir(folder)).length > 0) {
  console.error(`${folder} is not empty; use a new folder.`);
  process.exitCode = 1;
} else {
  const failed = await gateSample(
    folder,
    (...args) => runCommandLine(args, { commands, version: '0', folder }),
    (gate) => console.log(`ok  ${gate}`),
  );
  if (kept === undefined) await rm(folder, { recursive: true, force: true });
  if (failed !== null) {
    console.error(`FAILED  ${failed}`);
    process.exitCode = 1;
  }
}
