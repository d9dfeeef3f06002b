import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ok, unwrap } from '#core/base/result';
import type { ModelCatalogue } from '#core/engines/model-manifest';
import { signCatalogue } from '#core/experts/model-catalogue';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createVerify } from '#adapters/verify-node';
import { nativeSignerNamed } from '#tests/fakes/native-signer';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { ROOT } from '#tests/steps';
import { openModelLibrary } from './model-library';

test('a catalogue that comes before the community of its signer is known waits for it', async () => {
  const signer = nativeSignerNamed('founder');
  const models = JSON.parse(await readFile(join(ROOT, 'static/models/catalogue.json'), 'utf8')) as ModelCatalogue;
  const signed = unwrap(await signCatalogue(signer, models));
  let founder: string | null = null;
  let meet = (): void => {};
  const met = new Promise<void>((resolve) => (meet = resolve));
  const { records } = await openMemoryStorage();
  const library = unwrap(
    await openModelLibrary({
      records,
      verify: createVerify(),
      clock: createVirtualClock(),
      store: () => Promise.reject(new Error('asking for a catalogue wakes no store')),
      fetchCatalogue: async () => ok(JSON.parse(JSON.stringify(signed)) as unknown),
      founder: () => founder,
      met: () => met,
      origin: 'https://tabmesh.example',
    }),
  );
  const refreshed = library.refresh();
  founder = signer.nodeId;
  meet();
  unwrap(await refreshed);
  expect(library.all.map(({ manifest }) => manifest.id)).toEqual(models.models.map(({ id }) => id));
});
