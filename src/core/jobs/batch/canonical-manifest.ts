import { hex, utf8 } from '../../base/bytes';
import { sha256 } from '../../base/canonical';
import { jsonText } from '../../base/json-text';
import type { BatchManifest } from './manifest';

const plain = ({ nodes, jobs }: BatchManifest) => ({
  version: 1,
  nodes: nodes.map(({ node_id, status, capabilities }) => ({
    node_id,
    status,
    capabilities: capabilities ?? undefined,
  })),
  jobs: jobs.map(({ job_id, job_type, payload }) => ({ job_id, job_type, payload })),
});

/** SHA-256, in hex, over what a manifest says: compact JSON with sorted keys and non-ASCII escaped, however the file was written. */
export const manifestHash = (manifest: BatchManifest): string =>
  hex(sha256(utf8(jsonText(plain(manifest), { ascii: true, sortKeys: true }))));

/** The manifest as a document that reads back as the same one. */
export const renderManifest = (manifest: BatchManifest): string => jsonText(plain(manifest), { indent: 2 }) + '\n';
