import type { Handler } from '#core/bus/capability';
import type { EchoOutput } from './contract';
import { runEcho } from './run';

export const echoHandler: Handler<unknown, EchoOutput> = async (payload) => runEcho(payload);
