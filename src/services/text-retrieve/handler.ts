import type { Handler } from '#core/bus/capability';
import type { TextRetrieveOutput } from './contract';
import { runTextRetrieve } from './run';

export const textRetrieveHandler: Handler<unknown, TextRetrieveOutput> = async (payload) => runTextRetrieve(payload);
