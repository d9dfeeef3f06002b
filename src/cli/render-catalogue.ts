import type { ModelCatalogue } from '#core/engines/model-manifest';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * A catalogue of models as its file holds it: members in the order in which they came, and whatever holds only plain
 * values on a line of its own, so that a pinned file is one changed line.
 */
export const renderCatalogue = (catalogue: ModelCatalogue): string => `${render(catalogue as unknown as Json, '')}\n`;

function render(value: Json, indent: string): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const list = Array.isArray(value);
  const [open, close] = list ? ['[', ']'] : ['{', '}'];
  const parts = list
    ? (value as readonly Json[]).map((item) => [item, ''] as const)
    : Object.entries(value).map(([key, item]) => [item, `${JSON.stringify(key)}: `] as const);
  if (parts.every(([item]) => item === null || typeof item !== 'object')) {
    const line = parts.map(([item, key]) => `${key}${JSON.stringify(item)}`).join(', ');
    return list || line === '' ? `${open}${line}${close}` : `${open} ${line} ${close}`;
  }
  const inner = `${indent}  `;
  const lines = parts.map(([item, key]) => `${inner}${key}${render(item, inner)}`);
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}
