import { expect, test } from 'vitest';
import { artefactsOf, FIRST_SEAL_REPORT, METADATA, sealedBy, TERMINAL_RECEIPT } from './artefacts';
import { checkPolicy, policyOf, POLICY_CLASSES, travelDrift, type BundlePolicy } from './bundle-policy';

const policy = policyOf(false);
const paths = artefactsOf(false).map(({ path }) => path);

/** The policy with the entry of one path changed. */
const withEntry = (path: string, change: object): BundlePolicy => ({
  ...policy,
  classes: Object.fromEntries(
    Object.entries(policy.classes).map(([name, entries]) => [
      name,
      entries.map((entry) => (entry.path === path ? { ...entry, ...change } : entry)),
    ]),
  ),
});

test('the generated policy holds, with words and without', () => {
  expect(checkPolicy(policy).ok).toBe(true);
  expect(checkPolicy(policyOf(true)).ok).toBe(true);
  expect(Object.values(policyOf(true).classes).flat()).toHaveLength(artefactsOf(true).length);
});

test('a missing class, another sealed set, metadata under the first seal or a sealed terminal receipt breaks it', () => {
  const broken = (bad: BundlePolicy) => expect(checkPolicy(bad)).toMatchObject({ error: { code: 'bad_policy' } });
  for (const name of POLICY_CLASSES) broken({ ...policy, classes: { ...policy.classes, [name]: [] } });
  broken({ ...policy, secondSealArtefacts: policy.secondSealArtefacts.slice(1) });
  for (const path of [METADATA, FIRST_SEAL_REPORT]) {
    const moved = withEntry(path, { sealedBy: 'first' });
    broken({ ...moved, secondSealArtefacts: moved.secondSealArtefacts.filter((one) => one !== path) });
  }
  const sealed = withEntry(TERMINAL_RECEIPT, { sealedBy: 'second' });
  broken({ ...sealed, secondSealArtefacts: [...sealed.secondSealArtefacts, TERMINAL_RECEIPT] });
});

test('nothing but the second seal and the terminal receipt is without a seal', () => {
  expect(sealedBy('none', true).map(({ path }) => path)).toEqual(['seal/second-seal.json', TERMINAL_RECEIPT]);
});

test('what travels and should not, is missing or is listed twice is drift; another order is told and is none', () => {
  expect(travelDrift(paths, false)).toMatchObject({ ok: true, orderMatches: true });
  expect(travelDrift([...paths].reverse(), false)).toMatchObject({ ok: true, orderMatches: false });
  expect(travelDrift(paths.slice(1), false)).toMatchObject({ ok: false, missing: [paths[0]] });
  expect(travelDrift([...paths, 'notes.txt'], false)).toMatchObject({ ok: false, extra: ['notes.txt'] });
  expect(travelDrift([...paths, paths[3]!], false)).toMatchObject({ ok: false, duplicates: [paths[3]] });
});
