import { expect, test } from 'vitest';
import { CAPABILITY_PATTERN } from '#core/bus/capability';
import { unwrap } from '#core/base/result';
import { checkAgainst } from '#core/wire/gate';
import { deterministicServices, deterministicWorkKinds } from './deterministic';
import { deterministicJobTypes } from './deterministic-job-types';

const names = ['echo', 'text_stats', 'keyword_extract', 'text_chunk', 'text_embed', 'text_retrieve'];
const payload = { message: 'm', text: 'a mesh', query: 'mesh', documents: [{ id: 'd', text: 'mesh' }] };
const context = {
  caller: 'a'.repeat(64),
  local: true,
  callId: 'c',
  signal: new AbortController().signal,
  emit: () => {},
};

test('the six jobs stand in the same order for batches, pipeline and bus', () => {
  expect([...deterministicJobTypes.keys()]).toEqual(names);
  expect(deterministicWorkKinds.map((kind) => kind.capability.id)).toEqual(names.map((name) => `${name}@1`));
  expect(deterministicServices.map((service) => service.capability.id)).toEqual(names.map((name) => `${name}@1`));
  for (const { capability } of deterministicServices) expect(capability.id).toMatch(CAPABILITY_PATTERN);
});

test.each([...deterministicJobTypes.values()])(
  '$name gives the same over the bus as in a batch, and its contract accepts it',
  async (type) => {
    const service = deterministicServices.find(({ capability }) => capability.id === type.capability)!;
    const handler = await service.load();
    const output = unwrap(await handler(payload, context));
    expect(output).toEqual(unwrap(type.run(payload)));
    expect(checkAgainst(service.capability.output, output)).toEqual({ ok: true, value: output });
  },
);

test('work of these kinds is checked by doing it again and has neither tokens nor model', () => {
  for (const kind of deterministicWorkKinds) {
    const type = deterministicJobTypes.get(kind.capability.id.slice(0, -2))!;
    const output = unwrap(type.run(payload));
    expect(kind).toMatchObject({ check: 'redo', checkCapability: 'check.redo@1' });
    expect([kind.model(output), kind.tokens(output)]).toEqual([null, null]);
    expect(kind.text(output)).not.toBe('');
    expect(kind.units(payload, output)).toBe(type.units(output));
  }
});

test('an echo of nothing earns nothing', () => {
  const [echo] = deterministicWorkKinds;
  expect(echo!.units({}, '')).toBe(0);
  expect(echo!.units({ message: '' }, '')).toBe(1);
});
