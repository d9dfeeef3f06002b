import type { Combined, Replica } from './aggregator';
import type { Answer, ContentAudit } from './route';
import type { Run, WorkRequest } from './run';

/** The plain answer that a person or a page reads, out of what the stages left. */
export function answerOf(
  run: Run,
  request: WorkRequest,
  replicas: readonly Replica[],
  combined: Combined,
  audit: ContentAudit | null,
  receiptIds: readonly string[],
): Answer {
  const { kind } = request;
  const { asked, checks } = replicas[combined.chosen]!;
  const { output } = asked.claim;
  const tokens = kind.tokens(output) ?? { prompt: 0, completion: 0 };
  const firstTokenMs = asked.firstTokenMs ?? asked.finishedMs;
  const generatingMs = Math.max(1, asked.finishedMs - firstTokenMs);
  return {
    text: kind.text(output),
    model: kind.model(output)?.id ?? '',
    experts: asked.experts,
    validators: [...new Set(checks.map(({ validator }) => validator))],
    verdict: combined.verdict,
    check: combined.check,
    receiptId: receiptIds[combined.chosen]!,
    receiptIds,
    traceId: run.traceId,
    usage: {
      promptTokens: tokens.prompt,
      completionTokens: tokens.completion,
      firstTokenMs,
      totalMs: run.elapsedMs(),
      // The first token marks the start of the interval, so it is not counted into it.
      tokensPerSecond: tokens.completion > 1 ? Math.round(((tokens.completion - 1) * 10_000) / generatingMs) / 10 : 0,
    },
    answers: combined.answers,
    agreeing: combined.agreeing,
    audit,
    atMostMicros: replicas.reduce((sum, one) => sum + one.asked.atMostMicros, 0),
  };
}
