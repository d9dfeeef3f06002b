import type { Verify } from '../base/ports';
import { openExpertCard, type OpenedExpertCard } from '../experts/expert-card';
import { openAdvertisement, type OpenedAdvertisement } from '../ledger/cards/host-advertisement';
import { openNodeCard, type OpenedNodeCard } from '../ledger/cards/node-card';
import { hostAdvertisementSchema } from '../ledger/cards/host-advertisement';
import { openTaskPacket } from '../ledger/cards/task-packet';
import { openTeacherPolicy } from '../ledger/cards/teacher-policy';
import { decodeThrough } from '../wire/gate';
import { MAX_SIGNED_BYTES } from '../wire/limits';
import type { FaultList } from './economy-report';
import type { StatementFile } from './statement-files';

/** Cards that hold, each by its content id: what receipts are held against. */
export interface CheckedCards {
  readonly experts: readonly { readonly file: string; readonly card: OpenedExpertCard }[];
  readonly offersById: ReadonlyMap<string, OpenedAdvertisement>;
  readonly teachers: ReadonlySet<string>;
}

/** Every card by itself at the time of the set, every offer beside the card of its node and that of its expert. */
export async function checkCards(
  statements: readonly StatementFile[],
  { verify, at }: { readonly verify: Verify; readonly at: number },
  faults: FaultList,
): Promise<CheckedCards> {
  const expertsById = new Map<string, OpenedExpertCard>();
  const nodesById = new Map<string, OpenedNodeCard>();
  const offersById = new Map<string, OpenedAdvertisement>();
  const teachers = new Set<string>();
  const against = (file: string, code: string, sentence: string): void =>
    faults.against('cards', file, { code, sentence });

  for (const { file, type, id, signed } of statements) {
    // Offers come last: they stand on cards.
    if (type === 'host-advertisement') continue;
    const open = { 'expert-card': openExpertCard, 'node-card': openNodeCard, 'task-packet': openTaskPacket }[type];
    const opened = await (open ?? openTeacherPolicy)(signed, verify, at);
    faults.checked('cards');
    if (!opened.ok) against(file, opened.error.code, opened.error.message);
    else if (opened.value.type === 'expert-card') expertsById.set(id, opened.value);
    else if (opened.value.type === 'node-card') nodesById.set(id, opened.value);
    else if (opened.value.type === 'teacher-policy') teachers.add(id);
  }

  for (const { file, type, id, signed } of statements) {
    if (type !== 'host-advertisement') continue;
    faults.checked('cards');
    const read = decodeThrough(hostAdvertisementSchema, signed.payload, MAX_SIGNED_BYTES);
    if (!read.ok) {
      against(file, read.error.code, read.error.message);
      continue;
    }
    const card = nodesById.get(read.value.nodeCard);
    if (card === undefined) {
      against(file, 'node_card_missing', 'The card that the offer stands on is not in the set, or does not hold.');
      continue;
    }
    const offer = await openAdvertisement(signed, card, verify, at);
    if (!offer.ok) against(file, offer.error.code, offer.error.message);
    else offersById.set(id, offer.value);
  }

  for (const { file, id } of statements) {
    const named = nodesById.get(id)?.experts ?? (offersById.has(id) ? [offersById.get(id)!] : []);
    for (const { expert, modelHash, expertCard } of named) {
      const card = expertsById.get(expertCard);
      if (card === undefined)
        against(file, 'expert_card_missing', `The card of ${expert} is not in the set, or does not hold.`);
      else if (card.expert !== expert || card.modelHash !== modelHash)
        against(file, 'other_expert', `The card that is named for ${expert} is about another expert.`);
    }
  }
  const experts = statements.flatMap(({ file, id }) => {
    const card = expertsById.get(id);
    return card === undefined ? [] : [{ file, card }];
  });
  for (const { file, card } of experts)
    if (!(card.teacherPolicies ?? []).every((one) => teachers.has(one)))
      against(
        file,
        'teacher_policy_missing',
        'A policy of a teacher of the expert is not in the set, or does not hold.',
      );
  return { experts, offersById, teachers };
}
