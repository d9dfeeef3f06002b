import * as v from 'valibot';
import { hex, utf8 } from '../../base/bytes';
import { sha256 } from '../../base/canonical';
import { jsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import { byCodePoint } from '../../base/text';
import { MAX_FLOW_CHARACTERS, type FlowFiles } from './flow-files';
import { MAX_NODES } from './manifest';
import { DOCUMENT_VERSION, readDocument } from './read-document';

/** Per node a state, a log and an inbox; besides them a handful for the run. */
const MAX_FILES = 3 * MAX_NODES + 8;

export interface FileHash {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** What a flow says of itself, and the hash of each of its files. */
export interface FlowHashes {
  readonly transport: boolean;
  readonly peer_derived: boolean;
  readonly manifest_hash: string;
  readonly files: readonly FileHash[];
}

export function fileHash(path: string, text: string): FileHash {
  const bytes = utf8(text);
  return { path, bytes: bytes.length, sha256: hex(sha256(bytes)) };
}

/** The hashes of files, by path in code point order. */
export const hashesOf = (files: FlowFiles): FileHash[] =>
  [...files].map(([path, text]) => fileHash(path, text)).sort((a, b) => byCodePoint(a.path, b.path));

export function renderHashes(hashes: FlowHashes): string {
  const { transport, peer_derived, manifest_hash, files } = hashes;
  const document = {
    version: DOCUMENT_VERSION,
    kind: 'flow',
    simulated: true,
    transport,
    peer_derived,
    manifest_hash,
    files,
  };
  return jsonText(document, { indent: 2 }) + '\n';
}

const sha256Hex = v.pipe(v.string('must be text'), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'));

const hashesSchema = v.strictObject(
  {
    version: v.unknown(),
    kind: v.literal('flow', 'must be "flow"'),
    simulated: v.literal(true, 'must be true'),
    transport: v.boolean('must be true or false'),
    peer_derived: v.boolean('must be true or false'),
    manifest_hash: sha256Hex,
    files: v.pipe(
      v.array(
        v.strictObject(
          {
            path: v.string('must be text'),
            bytes: v.pipe(
              v.number('must be an integer'),
              v.integer('must be an integer'),
              v.minValue(0, 'must not be negative'),
              v.maxValue(4 * MAX_FLOW_CHARACTERS, 'is more than any file of a flow has'),
            ),
            sha256: sha256Hex,
          },
          'must be path, bytes and sha256',
        ),
        'must be a list',
      ),
      v.maxLength(MAX_FILES, `must have at most ${MAX_FILES} entries`),
    ),
  },
  (issue) => (issue.expected === 'never' ? 'is unknown' : 'is missing'),
);

/** Codes of `readDocument`, `malformed`. */
export function parseHashes(text: string): Result<FlowHashes> {
  const document = readDocument(text, 'list of hashes');
  if (!document.ok) return document;
  const parsed = v.safeParse(hashesSchema, document.value, { abortEarly: true, abortPipeEarly: true });
  if (parsed.success) return ok(parsed.output);
  return fail('malformed', `The list of hashes: ${v.getDotPath(parsed.issues[0]) ?? ''} ${parsed.issues[0].message}.`);
}
