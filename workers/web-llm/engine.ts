import type { ChatOptions, MLCEngine, MLCEngineConfig } from '@mlc-ai/web-llm';

/** What this worker uses of web-llm's engine: a package that changes any of it breaks the type check. */
export type Engine = Pick<
  MLCEngine,
  | 'reload'
  | 'resetChat'
  | 'forwardTokensAndSample'
  | 'chatCompletion'
  | 'interruptGenerate'
  | 'setLogitProcessorRegistry'
  | 'listResumableSessions'
  | 'resumeChatCompletion'
  | 'deleteResumableSession'
>;

/** The part of the package that is fetched when a model is loaded. */
export interface WebLlmModule {
  readonly MLCEngine: new (config?: MLCEngineConfig) => Engine;
}

export type ConversationTemplate = NonNullable<ChatOptions['conv_template']>;
