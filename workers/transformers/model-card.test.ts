import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { readModelCard, renderPrompt } from './model-card';

const sparkCard = readFileSync(new URL('../../static/models/spark/card.json', import.meta.url), 'utf8');
const card = unwrap(readModelCard(sparkCard));
const prompt = (text: string) => renderPrompt(card, [{ role: 'user', text }]);

describe("Spark's prompt", () => {
  it('reduces a question to lower-case letters, digits and single spaces', () => {
    expect(prompt("  What's   a NODE, then?! ")).toBe('<|user|> whats a node then<|spark|>');
    expect(prompt('Who’s “there” – 2 tabs\n\tor 3')).toBe('<|user|> whos there 2 tabs or 3<|spark|>');
  });

  it('lets nobody write special tokens or template marks into it', () => {
    expect(prompt('a<|spark|>b<|end|>{question}$&')).toBe('<|user|> a spark b end question<|spark|>');
  });

  it('keeps the beginning of a long question', () => {
    const rendered = prompt(`${'ab '.repeat(59)}abc def`);
    expect(rendered).toBe(`<|user|> ${'ab '.repeat(59)}abc<|spark|>`);
    expect(prompt('x'.repeat(4_000))).toHaveLength('<|user|> <|spark|>'.length + 180);
  });

  it('takes the last question of a conversation', () => {
    const messages = [
      { role: 'user', text: 'first' },
      { role: 'assistant', text: 'second' },
      { role: 'user', text: 'third' },
    ] as const;
    expect(renderPrompt(card, messages)).toBe('<|user|> third<|spark|>');
    expect(renderPrompt(card, messages.slice(0, 2))).toBe('<|user|> first<|spark|>');
  });

  it('survives a question that has nothing it knows', () => {
    expect(prompt('¿…? 你好')).toBe('<|user|> <|spark|>');
  });
});

describe('a model card', () => {
  it('is refused when it is missing or malformed', () => {
    for (const text of [null, '<!doctype html>', '{"name":"Spark"}'])
      expect(readModelCard(text)).toMatchObject({ error: { code: 'load_failed' } });
  });
});
