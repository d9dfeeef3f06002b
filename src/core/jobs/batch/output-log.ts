import { equalJson } from '../../base/json-text';
import { fail, type Result } from '../../base/result';
import { emittedIds, type BatchMessage } from './job-messages';
import { fitsOneLog } from './message-log';
import type { Pass } from './process-inbox';

/**
 * What a node's pass leaves to read: the messages that it was given, in their order, then what it emitted, in the order of the
 * assignments. `earlier` is what an earlier pass over fewer messages left; what was emitted then stays, so that
 * many passes leave what one would. A message in it that is of neither kind is refused (`other_log`), more than a log holds as well
 * (`too_many_messages`).
 */
export function outputLogOf(
  messages: readonly BatchMessage[],
  pass: Pass,
  earlier: readonly BatchMessage[],
): Result<readonly BatchMessage[]> {
  const given = new Map(messages.map((message) => [message.message_id, message]));
  const emittedNow = new Map(pass.processed.map((one) => [one.message.message_id, one.emitted]));
  const own = new Set([...pass.skipped.map((message) => message.message_id), ...emittedNow.keys()]);
  const emittable = new Set([...own].flatMap((id) => Object.values(emittedIds(id))));
  const emittedBefore = new Map<string, BatchMessage>();
  for (const message of earlier) {
    const same = given.get(message.message_id);
    if (same !== undefined ? !equalJson(same, message) : !emittable.has(message.message_id)) {
      const name = JSON.stringify(message.message_id);
      return fail(
        'other_log',
        `The output log holds the message ${name}, which this pass neither was given nor emits.`,
      );
    }
    if (same === undefined) emittedBefore.set(message.message_id, message);
  }
  const order = messages.filter((message) => own.has(message.message_id));
  const emitted = order.flatMap(({ message_id }) => {
    const ids = emittedIds(message_id);
    const before = [ids.result, ids.validation, ids.contribution].flatMap((id) => emittedBefore.get(id) ?? []);
    return emittedNow.get(message_id) ?? before;
  });
  return fitsOneLog([...messages, ...emitted], 'output log');
}
