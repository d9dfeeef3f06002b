import { beforeAll, expect, test } from 'vitest';
import { decodeCanonical } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import { keepTraces, type KeptRun } from '#tests/fakes/kept-traces';
import { utf8, utf8Decode } from '../base/bytes';
import { sign } from '../wire/signed';
import { OPENINGS, type Files } from './artefacts';
import { buildBundle } from './build-bundle';
import { evidenceSources } from './evidence-sources';
import { canonicalOf, openingsText, type Openings } from './openings';

let run: KeptRun;
beforeAll(async () => {
  run = await keepTraces({ providers: ['mesh'] });
});

const withMore = (openings: Openings): Files => {
  const files = new Map(unwrap(evidenceSources(run, true)));
  return files.set(OPENINGS, utf8(utf8Decode(files.get(OPENINGS)!) + openingsText(openings)));
};
const built = (files: Files) => buildBundle(files, { ...run, at: 1_800_000_000_000 });
const never = { messages: [{ role: 'user', text: 'Something that was never asked' }], maxTokens: 200 };

test('the words of a request are laid open once, so that no second ones are shown beside those that were held', async () => {
  const { trace, request } = run.kept[0]!;
  const asked = unwrap(decodeCanonical(request.packet!.payload)) as object;
  const packet = await sign(run.signer, { ...asked, prompt: never.messages[0]!.text } as never);
  const { traceId } = trace;
  const { salt, sealSalt } = request;
  const files = withMore({ requests: [{ traceId, salt, sealSalt, input: canonicalOf(never), packet }], jobs: [] });
  expect(await built(files)).toMatchObject({ ok: false, error: { code: 'stands_twice' } });
});

test('the words of a job are laid open once', async () => {
  const [job] = run.kept[0]!.jobs;
  const files = withMore({ requests: [], jobs: [{ ...job!, output: canonicalOf({ text: 'Never said' }) }] });
  expect(await built(files)).toMatchObject({ ok: false, error: { code: 'stands_twice' } });
});

test('the words of a job that no trace here names are not shown, whatever commitment lies beside them', async () => {
  const [kept] = run.kept;
  const elsewhere = await keepTraces({ members: { worker: {}, other: {}, checker: {} }, providers: ['mesh', 'self'] });
  const { statements, jobs } = elsewhere.kept[1]!;
  const job = { ...jobs[0]!, output: canonicalOf({ text: 'Never said' }) };
  const more = { ...kept!, statements: [...kept!.statements, ...statements], jobs: [...kept!.jobs, job] };
  const files = unwrap(evidenceSources({ kept: [more], receipts: run.receipts }, true));
  expect(await built(files)).toMatchObject({ ok: false, error: { code: 'opening_differs' } });
});
