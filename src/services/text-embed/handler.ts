import type { Handler } from '#core/bus/capability';
import type { TextEmbedOutput } from './contract';
import { runTextEmbed } from './run';

export const textEmbedHandler: Handler<unknown, TextEmbedOutput> = async (payload) => runTextEmbed(payload);
