import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commands } from './commands';
import { runCommandLine } from './run-command-line';

const GUIDE = new URL('../../docs/guides/batch-flows.md', import.meta.url);
const COMMAND = /^npm run -s tabmesh -- (.+)$/;

test('the commands of the guide to batch flows print what it shows', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tabmesh-guide-'));
  try {
    const guide = await readFile(GUIDE, 'utf8');
    const [batch, ...blocks] = [...guide.matchAll(/```(json|sh)\n([\s\S]*?)```/g)].map(([, kind, text]) => ({
      kind: kind!,
      text: text!,
    }));
    await writeFile(join(folder, 'batch.json'), batch!.text);
    let printed = '';
    let ran = 0;
    for (const { kind, text } of blocks) {
      if (kind === 'json') {
        expect(JSON.parse(printed), text).toMatchObject(JSON.parse(text) as object);
        continue;
      }
      for (const line of text.trim().split('\n')) {
        const args = COMMAND.exec(line)![1]!.split(' ');
        const run = await runCommandLine(args, { commands, version: '0', folder });
        expect(run, line).toMatchObject({ exitCode: 0, stderr: '' });
        printed = run.stdout;
        ran += 1;
      }
    }
    expect(ran).toBe(15);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
