import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8, utf8Decode } from '#core/base/bytes';
import { decodeCanonical, sha256 } from '#core/base/canonical';
import { readCar } from '#core/base/car';
import { unwrap } from '#core/base/result';
import { packetDiffers } from '#core/evidence/asked-packet';
import {
  BUNDLE_MANIFEST,
  FIRST_SEAL,
  INDEX,
  INDEX_TEXT,
  METADATA,
  OPENINGS,
  POLICY,
  RECEIPTS,
  SECOND_SEAL,
  STATEMENTS,
  STATUS,
  TERMINAL_RECEIPT,
  TRACE_REPORT,
  TRACES,
  type Files,
} from '#core/evidence/artefacts';
import { buildBundle, sealBundle, type BuiltBundle } from '#core/evidence/build-bundle';
import { GATES, type GateName } from '#core/evidence/bundle-policy';
import { MAX_ARTEFACTS, packBundle } from '#core/evidence/bundle-file';
import {
  buildDocuments,
  documentText,
  readSources,
  requireAll,
  summarise,
  verifyBundleManifest,
} from '#core/evidence/documents';
import { evidenceSources } from '#core/evidence/evidence-sources';
import type { KeptTrace } from '#core/evidence/kept-trace';
import { replayTrace, type Replay, type ReplaySources } from '#core/evidence/replay-trace';
import { openSeal, sealEvidence, verifySeal } from '#core/evidence/stage-seal';
import { nothingSoFar } from '#core/evidence/step-kinds';
import type { Trace } from '#core/evidence/trace';
import { verifyBundle, verifyEvidence, type EvidenceReport } from '#core/evidence/verify-evidence';
import { TASK_PACKET_LIFE_MS, type TaskPacket } from '#core/ledger/cards/task-packet';
import { sign, type Signed } from '#core/wire/signed';
import { createSeedSigner } from '#adapters/signer-seed';
import { keepTraces, QUESTION, type KeptRun } from '#tests/fakes/kept-traces';

const AT = 1_800_000_000_000;
const stranger = createSeedSigner(sha256(utf8('a stranger')));

let run: KeptRun;
let closed: BuiltBundle;
let open: BuiltBundle;

const sourcesOf = (words: boolean): Files => unwrap(evidenceSources(run, words));
const build = async (words: boolean): Promise<BuiltBundle> =>
  unwrap(await buildBundle(sourcesOf(words), { ...run, at: AT }));
const verified = (files: Files): Promise<EvidenceReport> => verifyEvidence(files, run.verify);
const textOf = (files: Files, path: string): string => utf8Decode(files.get(path)!);
const withText = (files: Files, path: string, change: (text: string) => string): Files => {
  const text = textOf(files, path);
  expect(change(text)).not.toBe(text);
  return new Map(files).set(path, utf8(change(text)));
};
const without = (files: Files, path: string): Files => new Map([...files].filter(([name]) => name !== path));
const codesOf = ({ failures }: EvidenceReport): string[] => failures.map(({ code }) => code);

beforeAll(async () => {
  run = await keepTraces({ providers: ['mesh', 'self'] });
  closed = await build(false);
  open = await build(true);
});

/** Each gate but `container` and `travel-drift`, by a file without which it is not passed. */
const LOOKED_AT_BY: Readonly<Record<string, GateName>> = {
  [STATEMENTS]: 'sources',
  [TRACE_REPORT]: 'documents',
  [INDEX]: 'index',
  [INDEX_TEXT]: 'index-text',
  [STATUS]: 'status',
  [METADATA]: 'metadata',
  [POLICY]: 'policy',
  [FIRST_SEAL]: 'first-seal',
  [SECOND_SEAL]: 'second-seal',
  [TERMINAL_RECEIPT]: 'terminal-receipt',
};

describe('a bundle of real answers', () => {
  test('verifies from its bytes alone, and says who signed what', async () => {
    const report = unwrap(await verifyBundle(closed.bytes, run.verify));
    expect(report.failures).toEqual([]);
    expect(report).toMatchObject({ reviewable: true, withWords: false, words: [] });
    expect(report.seals).toMatchObject([
      { stage: 1, signedBy: run.signer.nodeId, at: AT, failureCount: 0, ok: true },
      { stage: 2, signedBy: run.signer.nodeId, failureCount: 0, ok: true },
      { stage: 'terminal', signedBy: run.signer.nodeId, failureCount: 0, ok: true },
    ]);
    const { nodeId } = run.signer;
    const [worker, checker] = [run.nodes['worker']!.self, run.nodes['checker']!.self];
    const [asked, alone] = report.receipts;
    expect(asked?.signatures.map(({ node }) => node).sort()).toEqual([nodeId, worker, checker].sort());
    expect(asked).toMatchObject({ statementsHere: 2, statementsNamed: 2 });
    expect(alone).toMatchObject({ signatures: [{ node: nodeId, valid: true }], receipt: { verdict: 'unchecked' } });
    expect(report.statements.map(({ type }) => type)).toEqual(['commitment', 'verdict', 'seal', 'commitment', 'seal']);
    expect(report.traces.map(({ verdict, words }) => [verdict, words])).toEqual([
      ['accepted', 'closed'],
      ['unchecked', 'closed'],
    ]);
    expect(report.artefacts.every(({ ok, cid }) => ok && cid !== null)).toBe(true);
  });

  test('without the words it holds salted commitments and not a word of question or answer', () => {
    const answer = run.kept[0]!.trace.steps.flatMap((step) =>
      step.type === 'token' && 'text' in step ? [step.text] : [],
    );
    const all = [...closed.files.values()].map(utf8Decode).join('');
    expect(all.includes(QUESTION)).toBe(false);
    expect(all.includes(answer.join('').slice(0, 20))).toBe(false);
    expect(/"(ids|salt|sealSalt|margins)": ?(\[\d|")/.test(all)).toBe(false);
    expect(closed.files.has(OPENINGS)).toBe(false);
  });

  test('with the words they open the commitments, and the sealed digest is worked out again', async () => {
    const report = unwrap(await verifyBundle(open.bytes, run.verify));
    expect(report).toMatchObject({ reviewable: true, withWords: true, failures: [] });
    expect(report.traces.map(({ digestRecomputed }) => digestRecomputed)).toEqual([true, true]);
    expect(JSON.stringify(report.words)).toContain(QUESTION);
    expect(closed.report.traces.map(({ digestRecomputed }) => digestRecomputed)).toEqual([false, false]);
  });

  test('the same evidence sealed at the same time by the same node gives the same bytes', async () => {
    expect((await build(false)).bytes).toEqual(closed.bytes);
  });

  test('one changed byte anywhere in the file is found, and the artefact or part that it lies in is named', async () => {
    const [, ...blocks] = readCar(open.bytes, MAX_ARTEFACTS).blocks;
    const paths = [...open.files];
    await fc.assert(
      fc.asyncProperty(fc.nat(open.bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Uint8Array.from(open.bytes);
        bytes[at]! ^= flip;
        const report = unwrap(await verifyBundle(bytes, run.verify));
        expect(report.reviewable).toBe(false);
        expect(report.gates[0]).toMatchObject({ gate: 'container', looked: true, ok: false });
        const block = blocks.findLast((one) => one.at <= at);
        const { where } = report.failures[0]!;
        if (block === undefined) expect(where).toMatch(/header|table of contents/);
        else {
          const named = paths.filter(
            ([, body]) =>
              body.length === block.bytes.length && body.every((byte, index) => byte === block.bytes[index]),
          );
          expect(named.some(([path]) => where.includes(path))).toBe(true);
          if (report.artefacts.length > 0) expect(report.artefacts.some(({ ok }) => !ok)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('one changed byte in any file of an unpacked bundle is found, and the file is named', async () => {
    const paths = [...closed.files.keys()];
    const at = fc.tuple(fc.constantFrom(...paths), fc.nat(), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(at, async ([path, place, flip]) => {
        const bytes = Uint8Array.from(closed.files.get(path)!);
        bytes[place % bytes.length]! ^= flip;
        const report = await verified(new Map(closed.files).set(path, bytes));
        expect(report.reviewable).toBe(false);
        expect(report.failures.some(({ where, message }) => where.includes(path) || message.includes(path))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test('a file that is taken away is missed by seal, list and policy, and by the gate that looks at it', async () => {
    for (const path of closed.files.keys()) {
      const report = await verified(without(closed.files, path));
      for (const gate of ['travel-drift', LOOKED_AT_BY[path]] as const)
        if (gate !== undefined)
          expect(report.gates, path).toContainEqual(expect.objectContaining({ gate, looked: true, ok: false }));
      expect(report.reviewable, path).toBe(false);
      expect(
        report.failures.some(({ where }) => where === path),
        path,
      ).toBe(true);
    }
    const seal = unwrap(await openSeal(closed.files, 1, run.verify)).body;
    expect(verifySeal(seal, without(closed.files, TRACES)).checks[0]).toMatchObject({
      path: TRACES,
      exists: false,
      actualSha256: null,
      ok: false,
    });
  });

  test('every gate is held back by something here', () => {
    expect(['container', 'travel-drift', ...Object.values(LOOKED_AT_BY)].sort()).toEqual([...GATES].sort());
  });

  test('a stated count that is not that of the list is one failure more', async () => {
    const altered = withText(closed.files, BUNDLE_MANIFEST, (text) =>
      text.replace('"artefactCount": 7', '"artefactCount": 8'),
    );
    expect(verifyBundleManifest(altered)).toMatchObject({ value: { countOk: false, failureCount: 1, ok: false } });
    expect(codesOf(await verified(altered))).toEqual(expect.arrayContaining(['document_differs', 'artefact_changed']));
    const seal = unwrap(await openSeal(closed.files, 2, run.verify)).body;
    expect(verifySeal({ ...seal, artefactCount: seal.artefactCount + 1 }, closed.files)).toMatchObject({
      countOk: false,
      failureCount: 1,
    });
  });

  test('without terminal receipt, or with one that somebody else signed, it is not reviewable', async () => {
    const bare = await verified(without(closed.files, TERMINAL_RECEIPT));
    expect(bare.seals.map(({ ok }) => ok)).toEqual([true, true, false]);
    expect(bare.reviewable).toBe(false);
    const foreign = unwrap(await sealEvidence(unwrap(buildDocuments(sourcesOf(false))), stranger, AT));
    const swapped = new Map(closed.files).set(TERMINAL_RECEIPT, foreign.get(TERMINAL_RECEIPT)!);
    const report = await verified(swapped);
    expect(report).toMatchObject({ reviewable: false });
    expect(codesOf(report)).toContain('foreign_seal');
    const mixed = await verified(new Map(closed.files).set(FIRST_SEAL, foreign.get(FIRST_SEAL)!));
    expect(codesOf(mixed)).toContain('foreign_seal');
  });

  test('anybody may seal, and the report says who', async () => {
    const sealed = unwrap(await buildBundle(sourcesOf(false), { signer: stranger, verify: run.verify, at: AT }));
    expect(sealed.report.seals.map(({ signedBy }) => signedBy)).toEqual([
      stranger.nodeId,
      stranger.nodeId,
      stranger.nodeId,
    ]);
  });

  test('seals over a report, an index or a policy that was altered do not make it true', async () => {
    const documents = unwrap(buildDocuments(sourcesOf(false)));
    const altered = withText(documents, TRACE_REPORT, (text) =>
      text.replace('"differenceCount": 0', '"differenceCount": 1'),
    );
    expect(await sealBundle(altered, { ...run, at: AT })).toMatchObject({ error: { code: 'evidence_changed' } });
    for (const [path, code] of [
      [INDEX, 'index_differs'],
      [POLICY, 'document_differs'],
    ] as const) {
      const report = await verified(
        withText(closed.files, path, (text) => text.replace('pipeline', 'pipelines').replace('salted', 'sweet')),
      );
      expect(codesOf(report)).toEqual(expect.arrayContaining([code, 'artefact_changed']));
    }
  });

  test('something more in the bundle than its policy lets travel is named', async () => {
    const files = new Map(closed.files).set('seal/notes.txt', utf8('a note'));
    const report = unwrap(await verifyBundle(unwrap(packBundle(files)), run.verify));
    expect(report.failures).toMatchObject([{ code: 'extra_artefact', where: 'seal/notes.txt' }]);
  });
});

describe('building evidence', () => {
  test('a summary names what is missing, whatever it is, and nothing is bundled while anything is', () => {
    const paths = [...closed.files.keys()];
    expect(requireAll(summarise(closed.files, paths)).ok).toBe(true);
    for (const path of paths) {
      const summary = summarise(without(closed.files, path), paths);
      expect(summary).toMatchObject({ artefactCount: paths.length, missingCount: 1, missing: [path] });
      expect(summary.artefacts).toContainEqual({ path, exists: false, sizeBytes: 0 });
      expect(requireAll(summary)).toEqual({
        ok: false,
        error: { code: 'missing_artefact', message: `The evidence is not whole: ${path} missing.` },
      });
    }
  });

  const refused = (files: Files) => buildDocuments(files);

  test('a missing source is named before anything is bundled', () => {
    for (const path of [TRACES, STATEMENTS, RECEIPTS]) {
      expect(refused(without(sourcesOf(false), path))).toMatchObject({
        error: { code: 'missing_artefact', message: expect.stringContaining(path) },
      });
    }
  });

  test('no trace and no receipt is no evidence; a receipt alone is', async () => {
    const empty = unwrap(evidenceSources({ kept: [], receipts: [] }, false));
    expect(refused(empty)).toMatchObject({ error: { code: 'empty_evidence' } });
    const alone = unwrap(evidenceSources({ kept: [], receipts: run.receipts.slice(0, 1) }, false));
    const built = unwrap(await buildBundle(alone, { ...run, at: AT }));
    expect(built.report.receipts).toMatchObject([{ statementsHere: 0, statementsNamed: 2 }]);
  });

  test('a receipt or a statement that a trace names must be there, and what stands twice is refused', () => {
    const rows = (files: Files, path: string): string[] => textOf(files, path).trimEnd().split('\n');
    const sources = sourcesOf(true);
    for (const path of [RECEIPTS, STATEMENTS]) {
      const fewer = new Map(sources).set(path, utf8(`${rows(sources, path).slice(1).join('\n')}\n`));
      expect(refused(fewer).ok, path).toBe(false);
    }
    for (const path of [TRACES, RECEIPTS, STATEMENTS]) {
      const twice = withText(sources, path, (text) => text + rows(sources, path)[0]);
      expect(refused(twice), path).toMatchObject({ error: { code: 'stands_twice' } });
    }
  });

  test('an opening that opens nothing here, or other words than were committed to, is refused', () => {
    const [first, second] = run.kept as readonly [KeptTrace, KeptTrace];
    const stray = unwrap(evidenceSources({ kept: [first], receipts: run.receipts.slice(0, 1) }, true));
    const other = unwrap(evidenceSources({ kept: [second], receipts: run.receipts.slice(1) }, true));
    expect(refused(new Map(stray).set(OPENINGS, other.get(OPENINGS)!))).toMatchObject({
      error: { code: 'opening_differs' },
    });
    const swapped = { ...first, jobs: first.jobs.map((job) => ({ ...job, output: job.input })) };
    expect(
      refused(unwrap(evidenceSources({ kept: [swapped], receipts: run.receipts.slice(0, 1) }, true))),
    ).toMatchObject({
      error: { code: 'trace_differs', message: expect.stringContaining('committed to') },
    });
  });

  test('what stands for reading beside a signed body must be what was signed', async () => {
    const altered = withText(sourcesOf(false), RECEIPTS, (text) => text.replace('"units":', '"units": 9, "was":'));
    expect(refused(altered)).toMatchObject({ error: { code: 'reading_differs' } });
  });

  test('a forged signature is named with its node, and nothing is sealed over it', async () => {
    const [receipt, ...rest] = run.receipts;
    const signatures = receipt!.signatures.map((one, index) =>
      index === 1 ? { ...one, signature: new Uint8Array(64) } : one,
    );
    const forged = { ...run, receipts: [{ ...receipt!, signatures }, ...rest] };
    const sealed = await buildBundle(unwrap(evidenceSources(forged, false)), { ...run, at: AT });
    expect(sealed).toMatchObject({
      error: { code: 'not_reviewable', message: expect.stringContaining(signatures[1]!.keyId) },
    });
  });
});

describe('a replay', () => {
  let sources: ReplaySources & { traces: readonly Trace[] };
  beforeAll(() => {
    sources = unwrap(readSources(open.files));
  });
  const replayed = (change: (trace: Trace) => Trace): Replay => replayTrace(change(sources.traces[0]!), sources);
  const codes = (replay: Replay): string[] => [...new Set(replay.differences.map(({ code }) => code))];
  const withSteps = (change: (steps: Trace['steps']) => Trace['steps']) => (trace: Trace) => ({
    ...trace,
    steps: change(trace.steps),
  });

  test('of a whole trace finds no difference', () => {
    expect(replayed((trace) => trace)).toMatchObject({ differences: [], digestRecomputed: true, verdict: 'accepted' });
  });

  test.each<[string, (trace: Trace) => Trace, string]>([
    [
      'a changed word',
      withSteps((steps) =>
        steps.map((step) =>
          step.type === 'token' && 'text' in step && step.text.includes('mesh') ? { ...step, text: 'mess' } : step,
        ),
      ),
      'seal_differs',
    ],
    ['a changed time', withSteps((steps) => steps.map((step) => ({ ...step, at: step.at + 1 }))), 'seal_differs'],
    ['a step that is left out', withSteps((steps) => steps.filter(({ type }) => type !== 'started')), 'step_misplaced'],
    [
      'two steps that changed places',
      withSteps(([first, second, ...rest]) => [second!, first!, ...rest]),
      'step_misplaced',
    ],
    [
      'time that goes back',
      withSteps((steps) => steps.map((step, index) => (index === 5 ? { ...step, at: 0 } : step))),
      'step_misplaced',
    ],
    [
      'a changed check',
      withSteps((steps) => steps.map((step) => (step.type === 'checked' ? { ...step, verdict: 'rejected' } : step))),
      'verdict_differs',
    ],
    [
      'a changed verdict',
      withSteps((steps) => steps.map((step) => (step.type === 'combined' ? { ...step, verdict: 'disputed' } : step))),
      'verdict_differs',
    ],
    ['an end before the receipt', withSteps((steps) => steps.slice(0, -1)), 'unfinished'],
    ['another chosen node', (trace) => ({ ...trace, chosen: [trace.requester] }), 'route_differs'],
    ['a chosen node that was no candidate', (trace) => ({ ...trace, candidates: [] }), 'route_differs'],
    ['another question', (trace) => ({ ...trace, request: '0'.repeat(64) }), 'opening_differs'],
    ['a verdict that is not told', (trace) => ({ ...trace, verdicts: [] }), 'statement_missing'],
    ['a commitment that is not here', (trace) => ({ ...trace, commitments: [trace.seal!] }), 'statement_differs'],
    ['a receipt that is not here', (trace) => ({ ...trace, receipts: [trace.seal!] }), 'receipt_missing'],
    ['another requester', (trace) => ({ ...trace, requester: trace.chosen[0]! }), 'receipt_differs'],
  ])('names %s', (_, change, code) => {
    expect(codes(replayed(change))).toContain(code);
  });

  test('of the words that were streamed finds others than those that were committed to', () => {
    const { traces, openings, statements, receipts } = unwrap(readSources(open.files));
    const trace = traces[0]!;
    const job = openings.jobs[0]!;
    const other = openings.jobs.map((one) => (one === job ? { ...job, output: utf8('x') } : one));
    const replay = replayTrace(trace, { statements, receipts, openings: { ...openings, jobs: other } });
    expect(codes(replay)).toContain('opening_differs');
  });
});

describe('the task packet of a request', () => {
  const packetOf = ({ request }: KeptTrace): Signed => request.packet!;
  const bodyOf = (signed: Signed) => unwrap(decodeCanonical(signed.payload)) as TaskPacket;
  /** The same traces, the first of them with another packet. */
  const withPacket = (packet: Signed): Files => {
    const [first, ...others] = run.kept;
    const kept = [{ ...first!, request: { ...first!.request, packet } }, ...others];
    return unwrap(evidenceSources({ kept, receipts: run.receipts }, true));
  };
  const saying = async (change: Partial<TaskPacket>): Promise<Signed> =>
    sign(run.signer, { ...bodyOf(packetOf(run.kept[0]!)), ...change });

  test('is signed by who asks before anybody is asked, and goes along with the words alone', () => {
    const [asked, alone] = run.kept;
    const { traceId, at } = asked!.trace;
    expect(bodyOf(packetOf(asked!))).toEqual({
      type: 'task-packet',
      v: 1,
      taskId: traceId,
      taskType: 'llm.chat@1',
      requester: run.signer.nodeId,
      prompt: QUESTION,
      requiredCapabilities: ['llm.chat@1'],
      budget: { maxChargeMicros: 0, maxTokens: 200 },
      privacyLevel: 'public',
      at,
      expiresAt: at + TASK_PACKET_LIFE_MS,
    });
    expect(alone!.request.packet).toBeUndefined();
    const { nodeId } = run.signer;
    expect(open.report.words.map(({ packet }) => packet?.signatures)).toEqual([
      [{ node: nodeId, valid: true }],
      undefined,
      undefined,
      undefined,
    ]);
    expect([...closed.files.values()].map(utf8Decode).join('')).not.toContain('task-packet');
  });

  test.each<[string, Partial<TaskPacket>]>([
    ['of another request', { taskId: 'trace-elsewhere' }],
    ['another kind of work', { taskType: 'echo@1' }],
    ['something else than was asked', { prompt: 'What is not Tabmesh' }],
    ['outside of the time', { expiresAt: 1 }],
    ['longer than the task packet allows', { budget: { maxTokens: 1 } }],
  ])('that is %s is refused', async (what, change) => {
    const { at } = run.kept[0]!.trace;
    const times = 'expiresAt' in change ? { at: at - 2, expiresAt: at - 1 } : {};
    const built = buildDocuments(withPacket(await saying({ ...change, ...times })));
    expect(built).toMatchObject({ ok: false, error: { code: 'trace_differs' } });
    expect(built.ok ? '' : built.error.message).toContain(what);
    const changed = unwrap(readSources(withPacket(await saying({ ...change, ...times }))));
    const { differences } = replayTrace(changed.traces[0]!, changed);
    expect(differences.map(({ code }) => code)).toEqual(['packet_differs']);
  });

  test('allows no more than it says to be set aside for the work', () => {
    const { trace, request } = run.kept[0]!;
    const so = nothingSoFar();
    const step = { type: 'reserved', expert: trace.chosen[0]!, jobId: 'job', atMostMicros: 1, at: 0 } as const;
    const packet = bodyOf(packetOf(run.kept[0]!));
    const paid = { ...trace, steps: [...trace.steps, step] };
    expect(packetDiffers(packet, paid, so, request.input)).toMatch(/More was set aside/);
    expect(packetDiffers({ ...packet, budget: { maxChargeMicros: 1 } }, paid, so, request.input)).toBe(null);
  });

  test('that somebody else signed, or nobody, is told with its id, and nothing is sealed over it', async () => {
    const honest = packetOf(run.kept[0]!);
    const byOther = await sign(stranger, bodyOf(honest));
    expect(buildDocuments(withPacket(byOther))).toMatchObject({ error: { code: 'trace_differs' } });
    const [signature] = honest.signatures;
    const spoiled = { ...honest, signatures: [{ ...signature!, signature: new Uint8Array(64) }] };
    const documents = unwrap(buildDocuments(withPacket(spoiled)));
    expect(codesOf(await verified(documents))).toContain('bad_signature');
    expect(await sealBundle(documents, { ...run, at: AT })).toMatchObject({ error: { code: 'not_reviewable' } });
  });
});

describe('traces of what went wrong', () => {
  test('a request that nobody can answer still leaves its trace, with no receipt', async () => {
    const lonely = await keepTraces({ members: {}, providers: ['mesh'] });
    expect(lonely.kept[0]!.trace).toMatchObject({ failure: 'nobody_offers', receipts: [], seal: null, candidates: [] });
    const built = unwrap(await buildBundle(unwrap(evidenceSources(lonely, true)), { ...lonely, at: AT }));
    expect(built.report.traces).toMatchObject([{ failure: 'nobody_offers', steps: 1, differences: [] }]);
  });

  test('an answer that moved on replays, over both nodes', async () => {
    const moved = await keepTraces({
      members: { worker: {}, other: {}, checker: {} },
      onToken: (count, expert, crash) => count === 3 && crash(expert),
    });
    const { trace } = moved.kept[0]!;
    expect(trace.steps.some(({ type }) => type === 'replaced')).toBe(true);
    const built = unwrap(await buildBundle(unwrap(evidenceSources(moved, true)), { ...moved, at: AT }));
    expect(built.report).toMatchObject({ reviewable: true, traces: [{ digestRecomputed: true, differences: [] }] });
    expect(built.report.traces[0]!.asked).toHaveLength(2);
  });

  test('a lie that the requester or a validator found replays as rejected', async () => {
    const lied = await keepTraces({
      to: 'worker',
      members: { worker: { lies: { swappedWords: { node: 'god' } } }, checker: {}, second: {}, third: {} },
    });
    const built = unwrap(await buildBundle(unwrap(evidenceSources(lied, true)), { ...lied, at: AT }));
    expect(built.report).toMatchObject({ reviewable: true, traces: [{ verdict: 'rejected' }] });
  });
});

test('the text of documents is stable JSON', () => {
  expect(documentText({ b: [1], a: 'ü' })).toBe('{\n  "a": "ü",\n  "b": [\n    1\n  ]\n}\n');
  expect(SECOND_SEAL).not.toBe(FIRST_SEAL);
});

test.each(['raised', 'high'] as const)(
  'an answer with %s stakes, which several nodes gave and others checked, replays from its bundle without a difference',
  async (stakes) => {
    const members = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => [name, {}]));
    const several = await keepTraces({ members, stakes });
    const built = unwrap(await buildBundle(unwrap(evidenceSources(several, true)), { ...several, at: AT }));
    const report = unwrap(await verifyBundle(built.bytes, several.verify));
    expect(report.failures).toEqual([]);
    expect(report.reviewable).toBe(true);
    const { trace } = several.kept[0]!;
    expect(trace.receipts.length).toBe(stakes === 'raised' ? 2 : 3);
    // Who said less than was said before is found out.
    const receipts = trace.receipts.slice(1);
    const sources = unwrap(readSources(unwrap(evidenceSources(several, true))));
    const replayed = replayTrace({ ...trace, receipts }, sources);
    expect(replayed.differences.map(({ code }) => code)).toContain('route_differs');
  },
);
