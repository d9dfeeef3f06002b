/** The tasks that a person can give, as forms: what is asked, with an example to begin from, and what the node gets. */

export type TaskId = 'summarise' | 'classify' | 'extract' | 'code' | 'compare' | 'similar' | 'rank';

export interface TaskField {
  readonly name: string;
  readonly label: string;
  /** One line, several, or a number. */
  readonly kind: 'line' | 'area' | 'number';
  readonly example: string;
  readonly help?: string;
  /** Rows of an area. */
  readonly rows?: number;
}

export type TaskValues = Readonly<Record<string, string>>;

export interface TaskForm {
  readonly id: TaskId;
  readonly label: string;
  /** What it does, one sentence. */
  readonly lead: string;
  readonly capability: string;
  /** Which kind of model does it: the one that answers, or one of those beside it. */
  readonly model: 'chat' | 'embed' | 'rerank';
  readonly fields: readonly TaskField[];
  /** The capability's input, or what is still missing, one sentence. */
  read(values: TaskValues): { readonly input: Record<string, unknown> } | { readonly problem: string };
}

/** What a summary or an answer in JSON may take: enough for either, and inside the context of small models. */
const MAX_TOKENS = 256;
const MAX_PATCH_TOKENS = 1_024;

const NOTE =
  'On 10 July 1843 Ada Lovelace wrote to Charles Babbage about the notes to her translation. She wished to add an example that shows how the engine could work out a whole series of numbers without a person having done so before. Babbage sent her the figures that she asked for, and the notes became three times as long as the text they explain.';

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

const missing = (what: string) => ({ problem: `${what} is still empty.` });

/** `label: what belongs under it`, one a line. */
const labelsOf = (text: string) =>
  lines(text).map((line) => {
    const [label, ...rest] = line.split(':');
    const hint = rest.join(':').trim();
    return hint === '' ? { label: label!.trim() } : { label: label!.trim(), hint };
  });

const summarise: TaskForm = {
  id: 'summarise',
  label: 'Summarise',
  lead: 'A text in fewer words. Every word is checked as an answer is.',
  capability: 'text.summarize@1',
  model: 'chat',
  fields: [
    { name: 'text', label: 'Text', kind: 'area', rows: 8, example: NOTE },
    { name: 'maxWords', label: 'At most this many words', kind: 'number', example: '40' },
  ],
  read({ text = '', maxWords = '' }) {
    if (text.trim() === '') return missing('The text');
    const words = Number(maxWords);
    if (!Number.isInteger(words) || words < 5 || words > 400)
      return { problem: 'A summary has between 5 and 400 words.' };
    return { input: { text, maxWords: words, maxTokens: MAX_TOKENS } };
  },
};

const classify: TaskForm = {
  id: 'classify',
  label: 'Classify',
  lead: 'One of your labels for a text, with how the model scored each.',
  capability: 'text.classify@1',
  model: 'chat',
  fields: [
    {
      name: 'text',
      label: 'Text',
      kind: 'area',
      rows: 4,
      example: 'The parcel came late, and the lamp in it is broken.',
    },
    {
      name: 'labels',
      label: 'Labels, one a line',
      kind: 'area',
      rows: 4,
      help: 'After a colon you may say what belongs under it.',
      example: 'praise\ncomplaint: something went wrong\nquestion',
    },
  ],
  read({ text = '', labels = '' }) {
    if (text.trim() === '') return missing('The text');
    const given = labelsOf(labels);
    if (given.length < 2 || given.length > 16) return { problem: 'Give between 2 and 16 labels, one a line.' };
    return { input: { text, labels: given } };
  },
};

const extract: TaskForm = {
  id: 'extract',
  label: 'Extract',
  lead: 'Facts from a text in a form of yours. Every word of the answer is a quote, and its place is shown.',
  capability: 'text.extract@1',
  model: 'chat',
  fields: [
    { name: 'text', label: 'Text', kind: 'area', rows: 6, example: NOTE },
    {
      name: 'instruction',
      label: 'What is looked for',
      kind: 'line',
      example: 'Who wrote to whom, and on which day?',
    },
    {
      name: 'schema',
      label: 'Form of the answer (JSON schema)',
      kind: 'area',
      rows: 10,
      example: JSON.stringify(
        {
          type: 'object',
          properties: { from: { type: 'string' }, to: { type: 'string' }, date: { type: 'string' } },
          required: ['from', 'to', 'date'],
          additionalProperties: false,
        },
        null,
        2,
      ),
    },
  ],
  read({ text = '', instruction = '', schema = '' }) {
    if (text.trim() === '') return missing('The text');
    if (instruction.trim() === '') return missing('What is looked for');
    try {
      JSON.parse(schema);
    } catch {
      return { problem: 'The form of the answer is not valid JSON.' };
    }
    return { input: { text, instruction: instruction.trim(), schema, maxTokens: MAX_TOKENS } };
  },
};

const CODE_FILE = 'code.js';
const TEST_FILE = 'code.test.js';

const code: TaskForm = {
  id: 'code',
  label: 'Write code',
  lead: 'A patch to a file that makes your tests pass. It is accepted by running them, here and elsewhere.',
  capability: 'code.patch@1',
  model: 'chat',
  fields: [
    {
      name: 'instruction',
      label: 'What is to be done',
      kind: 'line',
      example: 'Make the sum right for empty lists too.',
    },
    {
      name: 'code',
      label: `The file (${CODE_FILE})`,
      kind: 'area',
      rows: 6,
      example: 'export function sum(numbers) {\n  return numbers.reduce((a, b) => a + b);\n}\n',
    },
    {
      name: 'tests',
      label: `Its tests (${TEST_FILE})`,
      kind: 'area',
      rows: 8,
      example: `import { test, expect } from 'tabmesh:test';\nimport { sum } from './${CODE_FILE}';\n\ntest('adds', () => expect(sum([1, 2, 3])).toBe(6));\ntest('of nothing is nothing', () => expect(sum([])).toBe(0));\n`,
    },
    {
      name: 'chosen',
      label: 'Tests that fail now and must pass, one a line',
      kind: 'area',
      rows: 2,
      help: 'All others must stay as they are.',
      example: 'of nothing is nothing',
    },
  ],
  read({ instruction = '', code: text = '', tests = '', chosen = '' }) {
    if (instruction.trim() === '') return missing('What is to be done');
    if (tests.trim() === '') return missing('The file of tests');
    const names = lines(chosen);
    if (names.length === 0) return { problem: 'Name at least one test that fails now and must pass.' };
    return {
      input: {
        instruction: instruction.trim(),
        brief: {
          files: [
            { path: CODE_FILE, text: withNewline(text) },
            { path: TEST_FILE, text: withNewline(tests) },
          ],
          tests: {
            files: [TEST_FILE],
            chosen: names,
            declaredFailing: [],
            others: testNames(tests).filter((name) => !names.includes(name)),
            seed: 1,
          },
          policy: {
            changeable: [CODE_FILE],
            maxFiles: 1,
            maxLines: 200,
            mayCreate: false,
            mayDelete: false,
            forbidden: [],
          },
        },
        maxTokens: MAX_PATCH_TOKENS,
      },
    };
  },
};

const withNewline = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

/** Names of tests as they are written down in full; one that is put together while it runs is not seen. */
export const testNames = (text: string): string[] => [
  ...new Set([...text.matchAll(/\btest\(\s*(['"`])((?:(?!\1)[^\\\n])+)\1/g)].map((found) => found[2]!)),
];

const compare: TaskForm = {
  id: 'compare',
  label: 'Compare two texts',
  lead: 'Which of two answers is better. The model sees them in both orders; when it follows the order, it is a tie.',
  capability: 'text.judge@1',
  model: 'chat',
  fields: [
    { name: 'question', label: 'What both answer', kind: 'line', example: 'What is a receipt for?' },
    {
      name: 'first',
      label: 'First',
      kind: 'area',
      rows: 3,
      example: 'It proves to both sides who did a job, who checked it, and what it counts.',
    },
    { name: 'second', label: 'Second', kind: 'area', rows: 3, example: 'It is a paper.' },
  ],
  read({ question = '', first = '', second = '' }) {
    if (question.trim() === '') return missing('What both answer');
    if (first.trim() === '') return missing('The first text');
    if (second.trim() === '') return missing('The second text');
    return { input: { question: question.trim(), first, second } };
  },
};

/** Of the vectors of one job the text itself takes one. */
const MAX_OTHERS = 31;

const similar: TaskForm = {
  id: 'similar',
  label: 'Find similar',
  lead: 'Which of several texts are most like one. Each becomes a vector, and vectors are compared on this device.',
  capability: 'embed.texts@1',
  model: 'embed',
  fields: [
    { name: 'text', label: 'Text', kind: 'line', example: 'How do I invite a friend?' },
    {
      name: 'others',
      label: 'Texts to compare it with, one a line',
      kind: 'area',
      rows: 5,
      example:
        'Make a link under Community and send it.\nA receipt is signed by everyone who took part.\nAsk somebody to join by a code.\nThe model runs in a worker of its own.',
    },
  ],
  read({ text = '', others = '' }) {
    if (text.trim() === '') return missing('The text');
    const given = lines(others);
    if (given.length === 0 || given.length > MAX_OTHERS)
      return { problem: `Give between 1 and ${MAX_OTHERS} texts to compare it with, one a line.` };
    return { input: { texts: [text.trim(), ...given] } };
  },
};

const rank: TaskForm = {
  id: 'rank',
  label: 'Rank passages',
  lead: 'Passages in the order in which they answer a question. The model reads each together with it.',
  capability: 'rerank.passages@1',
  model: 'rerank',
  fields: [
    { name: 'query', label: 'Question', kind: 'line', example: 'Who checks an answer?' },
    {
      name: 'passages',
      label: 'Passages, one a line',
      kind: 'area',
      rows: 5,
      example:
        'A third node with the same model looks at every word.\nThe app is installed from the browser’s menu.\nEverybody who took part keeps a receipt.',
    },
  ],
  read({ query = '', passages = '' }) {
    if (query.trim() === '') return missing('The question');
    const given = lines(passages);
    if (given.length === 0 || given.length > 64) return { problem: 'Give between 1 and 64 passages, one a line.' };
    return { input: { query: query.trim(), passages: given } };
  },
};

export const TASKS: readonly TaskForm[] = [summarise, classify, extract, code, compare, similar, rank];

export const examplesOf = ({ fields }: TaskForm): TaskValues =>
  Object.fromEntries(fields.map(({ name, example }) => [name, example]));

/** The share of the probability that falls to each label, from logarithms in thousandths. */
export function sharesOf(scoresMilli: readonly number[]): number[] {
  const best = Math.max(...scoresMilli);
  const odds = scoresMilli.map((score) => Math.exp((score - best) / 1_000));
  const sum = odds.reduce((all, one) => all + one, 0);
  return odds.map((one) => one / sum);
}

/** A text cut at its quotes, in order; places are code points, and those that overlap are one. */
export function quotedParts(
  text: string,
  spans: readonly { readonly start: number; readonly end: number }[],
): { readonly text: string; readonly quoted: boolean }[] {
  const points = Array.from(text);
  const parts: { text: string; quoted: boolean }[] = [];
  let at = 0;
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start > at) parts.push({ text: points.slice(at, start).join(''), quoted: false });
    if (end > at) parts.push({ text: points.slice(Math.max(at, start), end).join(''), quoted: true });
    at = Math.max(at, end);
  }
  if (at < points.length) parts.push({ text: points.slice(at).join(''), quoted: false });
  return parts;
}
