import type { Combined } from './aggregator';
import type { Asked } from './ask';
import type { Answer } from './route';
import type { Run, WorkRequest } from './run';

/** The plain answer that a person or a page reads, out of what the stages left. */
export function answerOf(run: Run, request: WorkRequest, asked: Asked, combined: Combined, receiptId: string): Answer {
  const { kind } = request;
  const { output } = asked.claim;
  const tokens = kind.tokens(output) ?? { prompt: 0, completion: 0 };
  const firstTokenMs = asked.firstTokenMs ?? asked.finishedMs;
  const generatingMs = Math.max(1, asked.finishedMs - firstTokenMs);
  return {
    text: kind.text(output),
    model: kind.model(output)?.id ?? '',
    experts: asked.experts,
    validators: validatorsIn(run),
    verdict: combined.verdict,
    check: combined.check,
    receiptId,
    receiptIds: [receiptId],
    traceId: run.traceId,
    usage: {
      promptTokens: tokens.prompt,
      completionTokens: tokens.completion,
      firstTokenMs,
      totalMs: run.elapsedMs(),
      // The first token marks the start of the interval, so it is not counted into it.
      tokensPerSecond: tokens.completion > 1 ? Math.round(((tokens.completion - 1) * 10_000) / generatingMs) / 10 : 0,
    },
  };
}

function validatorsIn(run: Run): string[] {
  return [...new Set(run.steps.flatMap((step) => (step.type === 'checked' ? [step.validator] : [])))];
}
