import { expect, it } from 'vitest';
import * as chat from '#services/llm-chat/contract';
import { MAX_MESSAGE_CHARACTERS } from './limits';

// The contract pulls its schemas along, which the first load of the page has no use for.
it('lets a person type exactly as long a question as the chat service takes', () => {
  expect(MAX_MESSAGE_CHARACTERS).toBe(chat.MAX_MESSAGE_CHARACTERS);
});
