/** The longest question, as the chat service takes it; the table test beside this file holds both to one number. */
export const MAX_MESSAGE_CHARACTERS = 4_000;
