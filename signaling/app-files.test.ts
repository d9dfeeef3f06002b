import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createAppFiles } from '#signaling/app-files';

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return { ...real, readdir: vi.fn(real.readdir) };
});

test('a folder that changes while it is read costs nobody an answer, and is read again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tabmesh-app-'));
  await Promise.all(['200.html', 'page.txt'].map((name) => writeFile(join(folder, name), name)));
  const clock = createVirtualClock();
  const files = createAppFiles(folder, clock);
  const server = createServer((request, response) => {
    files.serve(request, response).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/page.txt`;

  vi.mocked(readdir).mockRejectedValueOnce(Object.assign(new Error('gone'), { code: 'ENOENT' }));
  expect((await fetch(url)).status).toBe(404);
  await clock.advance(1_000);
  expect(await (await fetch(url)).text()).toBe('page.txt');

  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});
