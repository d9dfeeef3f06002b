import { sealSchema } from '#core/evidence/seal';
import { modelCatalogueSchema, modelManifestSchema } from '#core/engines/model-manifest';
import { expertCardSchema } from '#core/experts/expert-card';
import { marginMeasurementsSchema } from '#core/experts/margin-measurements';
import { communityManifestSchema } from '#core/identity/community';
import { inviteSchema } from '#core/identity/memberships';
import { batchManifestSchema } from '#core/jobs/batch/manifest';
import { commitmentSchema, verdictSchema } from '#core/ledger/statements';
import { hostAdvertisementSchema } from '#core/ledger/cards/host-advertisement';
import { nodeCardSchema } from '#core/ledger/cards/node-card';
import { taskPacketSchema } from '#core/ledger/cards/task-packet';
import { teacherPolicySchema } from '#core/ledger/cards/teacher-policy';
import { contributionReceiptSchema, skillReceiptSchema } from '#core/ledger/growth/contribution-receipt';
import { dataShardSchema } from '#core/ledger/growth/data-shard';
import { findingSchema } from '#core/ledger/growth/finding';
import { trainingWorkReceiptSchema } from '#core/ledger/growth/training-work-receipt';
import { receiptSchema } from '#core/ledger/receipts';
import { inferenceWorkReceiptSchema, verificationReceiptSchema } from '#core/ledger/work-receipts';
import { signedSchema } from '#core/wire/signed';
import type { AnySchema } from './to-json-schema';

export interface Published {
  /** The file is `static/schemas/<name>.v1.json`. */
  readonly name: string;
  readonly title: string;
  readonly schema: AnySchema;
  /** Where the schema's own docstrings stand: the file, and the constant in it. */
  readonly file: string;
  readonly constant: string;
}

const published = (name: string, title: string, schema: unknown, file: string, constant: string): Published => ({
  name,
  title,
  schema: schema as AnySchema,
  file: `src/core/${file}.ts`,
  constant,
});

/** Everything whose form others need to know. */
export const PUBLISHED: readonly Published[] = [
  published('batch-manifest', 'Batch manifest', batchManifestSchema, 'jobs/batch/manifest', 'batchManifestSchema'),
  published('commitment', 'Commitment', commitmentSchema, 'ledger/statements', 'commitmentSchema'),
  published(
    'community',
    'Community manifest',
    communityManifestSchema,
    'identity/community',
    'communityManifestSchema',
  ),
  published('contribution-finding', 'Contribution finding', findingSchema, 'ledger/growth/finding', 'findingSchema'),
  published(
    'contribution-receipt',
    'Contribution receipt',
    contributionReceiptSchema,
    'ledger/growth/contribution-receipt',
    'contributionReceiptSchema',
  ),
  published('data-shard', 'Data shard', dataShardSchema, 'ledger/growth/data-shard', 'dataShardSchema'),
  published('expert-card', 'Expert card', expertCardSchema, 'experts/expert-card', 'expertCardSchema'),
  published(
    'host-advertisement',
    'Host advertisement',
    hostAdvertisementSchema,
    'ledger/cards/host-advertisement',
    'hostAdvertisementSchema',
  ),
  published(
    'inference-work-receipt',
    'Inference work receipt',
    inferenceWorkReceiptSchema,
    'ledger/work-receipts',
    'inferenceWorkReceiptSchema',
  ),
  published('invite', 'Invite', inviteSchema, 'identity/memberships', 'inviteSchema'),
  published(
    'margin-measurements',
    'Margin measurements',
    marginMeasurementsSchema,
    'experts/margin-measurements',
    'marginMeasurementsSchema',
  ),
  published(
    'model-catalogue',
    'Model catalogue',
    modelCatalogueSchema,
    'engines/model-manifest',
    'modelCatalogueSchema',
  ),
  published('model-manifest', 'Model manifest', modelManifestSchema, 'engines/model-manifest', 'modelManifestSchema'),
  published('node-card', 'Node card', nodeCardSchema, 'ledger/cards/node-card', 'nodeCardSchema'),
  published('receipt', 'Receipt', receiptSchema, 'ledger/receipts', 'receiptSchema'),
  published('seal', 'Seal', sealSchema, 'evidence/seal', 'sealSchema'),
  published('signed', 'Signed body', signedSchema, 'wire/signed', 'signedSchema'),
  published(
    'skill-receipt',
    'Skill receipt',
    skillReceiptSchema,
    'ledger/growth/contribution-receipt',
    'skillReceiptSchema',
  ),
  published('task-packet', 'Task packet', taskPacketSchema, 'ledger/cards/task-packet', 'taskPacketSchema'),
  published(
    'teacher-policy',
    'Teacher policy',
    teacherPolicySchema,
    'ledger/cards/teacher-policy',
    'teacherPolicySchema',
  ),
  published(
    'training-work-receipt',
    'Training work receipt',
    trainingWorkReceiptSchema,
    'ledger/growth/training-work-receipt',
    'trainingWorkReceiptSchema',
  ),
  published('verdict', 'Verdict', verdictSchema, 'ledger/statements', 'verdictSchema'),
  published(
    'verification-receipt',
    'Verification receipt',
    verificationReceiptSchema,
    'ledger/work-receipts',
    'verificationReceiptSchema',
  ),
];
