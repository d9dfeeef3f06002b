import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { workKinds } from '#services/work-services';
import type { CapabilityId } from '#core/bus/capability';
import { examplesOf, quotedParts, sharesOf, TASKS, testNames, type TaskForm, type TaskId } from './tasks';

const formOf = (id: TaskId): TaskForm => TASKS.find((task) => task.id === id)!;
const read = (id: TaskId, changed: Record<string, string> = {}) => {
  const form = formOf(id);
  return form.read({ ...examplesOf(form), ...changed });
};

describe('a task’s form', () => {
  it.each(TASKS.map((task) => [task.id, task] as const))('%s: its example keeps the contract', (_id, task) => {
    const found = task.read(examplesOf(task));
    if ('problem' in found) throw new Error(found.problem);
    const { capability } = workKinds.get(task.capability as CapabilityId)!;
    expect(v.safeParse(capability.input, found.input).issues).toBeUndefined();
  });

  it.each(TASKS.map((task) => [task.id, task] as const))('%s: what is empty is named in a sentence', (_id, task) => {
    const empty = task.read(Object.fromEntries(task.fields.map(({ name }) => [name, ' \n '])));
    expect(empty).toEqual({ problem: expect.stringMatching(/^[A-Z].*\.$/) });
  });

  it('takes labels with and without what belongs under them', () => {
    expect(read('classify', { labels: ' yes \n\nno: not this: never\n' })).toMatchObject({
      input: { labels: [{ label: 'yes' }, { label: 'no', hint: 'not this: never' }] },
    });
    expect(read('classify', { labels: 'yes' })).toHaveProperty('problem');
  });

  it('keeps its figures within bounds', () => {
    for (const odd of ['4', '401', '1.5', 'many'])
      expect(read('summarise', { maxWords: odd })).toHaveProperty('problem');
    expect(read('similar', { others: new Array(32).fill('x').join('\n') })).toHaveProperty('problem');
    expect(read('rank', { passages: new Array(65).fill('x').join('\n') })).toHaveProperty('problem');
    expect(read('extract', { schema: '{' })).toEqual({ problem: 'The form of the answer is not valid JSON.' });
  });

  it('asks that the other tests of a patch stay as they are', () => {
    expect(read('code')).toMatchObject({
      input: { brief: { tests: { chosen: ['of nothing is nothing'], others: ['adds'] } } },
    });
    expect(testNames(`test('a', f); test("b 'c'", f); test(\`d\`, f); test('a', f); contest('e', f)`)).toEqual([
      'a',
      "b 'c'",
      'd',
    ]);
    expect(read('code', { code: 'x' })).toMatchObject({ input: { brief: { files: [{ text: 'x\n' }, {}] } } });
  });
});

it('shares add up to one, whatever the scores have in common', () => {
  expect(sharesOf([0, 0])).toEqual([0.5, 0.5]);
  expect(sharesOf([-1e9, -1e9 + 1_000]).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
  expect(sharesOf([1e12, -1e12])).toEqual([1, 0]);
});

describe('a text is shown with its quotes', () => {
  const joined = (text: string, spans: Parameters<typeof quotedParts>[1]) =>
    quotedParts(text, spans)
      .map((part) => (part.quoted ? `[${part.text}]` : part.text))
      .join('');

  it('in order, by code points, at the ends too', () => {
    expect(
      joined('🙂 Ada wrote', [
        { start: 6, end: 11 },
        { start: 0, end: 1 },
      ]),
    ).toBe('[🙂] Ada [wrote]');
    expect(joined('whole', [{ start: 0, end: 5 }])).toBe('[whole]');
    expect(joined('none', [])).toBe('none');
  });

  it('that overlap as one, and nothing of the text is lost', () => {
    expect(
      joined('abcdef', [
        { start: 1, end: 4 },
        { start: 2, end: 3 },
        { start: 3, end: 5 },
      ]),
    ).toBe('a[bcd][e]f');
  });
});
