import { fromHex, hex } from '../base/bytes';
import { fail, ok, type Result } from '../base/result';

/**
 * Plain data (null, booleans, numbers, strings, bytes, arrays, records) as text that is small and quick to read where it is many things
 * of few shapes in which the same ids stand again and again: each string once, and everything else by columns, as in Dremel (Melnik and
 * others 2010). It is a form for what a node keeps for itself; what is signed or sent is canonical bytes.
 */
export function packPlain(value: unknown): string {
  const places = new Map<string, number>();
  const placeOf = (text: string): number => {
    const known = places.get(text) ?? places.size;
    if (known === places.size) places.set(text, known);
    return known;
  };
  const column = columnOf([value], placeOf);
  return JSON.stringify([[...places.keys()], column]);
}

/** Code `undecodable`. What it gives is only as sound as whoever packed it. */
export function unpackPlain(text: string): Result<unknown> {
  try {
    const [strings, column] = JSON.parse(text) as [readonly string[], Column];
    return ok(valuesOf(column, strings)[0]);
  } catch {
    return fail('undecodable', 'The data could not be decoded.');
  }
}

/** Values of one kind, one after the other. */
type Column =
  | readonly ['null', count: number]
  | readonly ['plain', values: readonly (number | boolean)[]]
  | readonly ['text', places: readonly number[]]
  | readonly ['bytes', hex: readonly string[]]
  /** Arrays of one length, by position. */
  | readonly ['tuples', count: number, columns: readonly Column[]]
  | readonly ['arrays', lengths: readonly number[], items: Column]
  /** Records with the same names. */
  | readonly ['records', count: number, names: readonly string[], columns: readonly Column[]]
  /** Which of the columns each value is the next of. */
  | readonly ['several', which: readonly number[], columns: readonly Column[]];

/** Longer ones are no tuples but lists that happen to be as long as each other. */
const MAX_TUPLE = 8;

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return 'plain';
    case 'string':
      return 'text';
    case 'object':
      if (value instanceof Uint8Array) return 'bytes';
      return Array.isArray(value) ? 'array' : `record ${Object.keys(value).join('\0')}`;
    default:
      throw new TypeError(`What is packed holds a ${typeof value}.`);
  }
}

function columnOf(values: readonly unknown[], placeOf: (text: string) => number): Column {
  const byKind = new Map<string, { readonly at: number; readonly values: unknown[] }>();
  const which = values.map((value) => {
    const kind = kindOf(value);
    const one = byKind.get(kind) ?? { at: byKind.size, values: [] };
    byKind.set(kind, one);
    one.values.push(value);
    return one.at;
  });
  const columns = [...byKind].map(([kind, { values: alike }]) => columnOfKind(kind, alike, placeOf));
  return columns.length === 1 ? columns[0]! : ['several', which, columns];
}

function columnOfKind(kind: string, values: readonly unknown[], placeOf: (text: string) => number): Column {
  switch (kind) {
    case 'null':
      return ['null', values.length];
    case 'plain':
      return ['plain', values as (number | boolean)[]];
    case 'text':
      return ['text', (values as string[]).map(placeOf)];
    case 'bytes':
      return ['bytes', (values as Uint8Array[]).map(hex)];
    case 'array':
      return columnOfArrays(values as unknown[][], placeOf);
    default: {
      const records = values as Readonly<Record<string, unknown>>[];
      const names = Object.keys(records[0]!);
      const columns = names.map((name) =>
        columnOf(
          records.map((record) => record[name]),
          placeOf,
        ),
      );
      return ['records', records.length, names, columns];
    }
  }
}

function columnOfArrays(arrays: readonly unknown[][], placeOf: (text: string) => number): Column {
  const { length } = arrays[0]!;
  if (length > 0 && length <= MAX_TUPLE && arrays.every((array) => array.length === length)) {
    const at = (position: number) => arrays.map((array) => array[position]);
    return ['tuples', arrays.length, Array.from({ length }, (_, position) => columnOf(at(position), placeOf))];
  }
  return ['arrays', arrays.map((array) => array.length), columnOf(arrays.flat(), placeOf)];
}

function valuesOf(column: Column, strings: readonly string[]): unknown[] {
  switch (column[0]) {
    case 'null':
      return new Array<null>(column[1]).fill(null);
    case 'plain':
      return column[1] as unknown[];
    case 'text':
      return column[1].map((place) => strings[place]!);
    case 'bytes':
      return column[1].map((text) => fromHex(text)!);
    case 'tuples': {
      const columns = column[2].map((one) => valuesOf(one, strings));
      return Array.from({ length: column[1] }, (_, at) => columns.map((values) => values[at]));
    }
    case 'arrays': {
      const items = valuesOf(column[2], strings);
      let end = 0;
      return column[1].map((length) => items.slice(end, (end += length)));
    }
    case 'records': {
      const [, count, names, packed] = column;
      const columns = packed.map((one) => valuesOf(one, strings));
      return Array.from({ length: count }, (_, at) => {
        const record: Record<string, unknown> = {};
        for (let name = 0; name < names.length; name++) record[names[name]!] = columns[name]![at];
        return record;
      });
    }
    case 'several': {
      const columns = column[2].map((one) => valuesOf(one, strings).values());
      return column[1].map((one) => columns[one]!.next().value);
    }
  }
}
