import { docsOf, type Docs } from './docstrings';
import { PUBLISHED, type Published } from './published';
import { toPublishable, type JsonSchema } from './to-json-schema';

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';
/** Below the app's own origin, whichever that is. */
export const SCHEMAS_PATH = '/schemas/';

/** Writes what the source says of each member beside it. */
function describe(schema: JsonSchema, { text, members }: Docs): JsonSchema {
  const described = text === null || 'description' in schema ? schema : { description: text, ...schema };
  return members.size === 0 ? described : describeMembers(described, members);
}

function describeMembers(schema: JsonSchema, members: Docs['members']): JsonSchema {
  const { properties, items, anyOf } = schema as {
    readonly properties?: Record<string, JsonSchema>;
    readonly items?: JsonSchema;
    readonly anyOf?: readonly JsonSchema[];
  };
  const next = { ...schema };
  if (properties !== undefined) {
    next['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [name, describe(member, members.get(name) ?? NOTHING)]),
    );
  }
  if (items !== undefined) next['items'] = describeMembers(items, members);
  if (anyOf !== undefined) next['anyOf'] = anyOf.map((option) => describeMembers(option, members));
  return next;
}

const NOTHING: Docs = { text: null, members: new Map() };

/** The published form of one schema. Throws when its source has no docstring. */
export function publish({ name, title, schema, file, constant }: Published): JsonSchema {
  const docs = docsOf(file, constant);
  if (docs.text === null) throw new Error(`${constant} in ${file} has no docstring to publish.`);
  const { description, ...rest } = describe(toPublishable(schema), docs);
  return { $schema: DRAFT, $id: `${SCHEMAS_PATH}${name}.v1.json`, title, description, ...rest };
}

/** The text of every published file, by its name. */
export const publishedTexts = (): ReadonlyMap<string, string> =>
  new Map(PUBLISHED.map((one) => [`${one.name}.v1.json`, `${JSON.stringify(publish(one), null, 2)}\n`]));
