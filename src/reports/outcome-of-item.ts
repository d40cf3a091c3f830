import type { ItemResult } from '../domain/batch.ts';
import { decisiveAttempt } from '../domain/next-step.ts';

/** What ended an item, in one sentence; of a flaky one with the odds. */
export function sentenceOf(result: ItemResult): string {
  const sentence = decisiveAttempt(result.attempts)?.ended ?? result.diagnosis?.evidence ?? result.verdict;
  return result.flaky ? `${sentence} (${oddsOf(result.flaky)})` : sentence;
}

/** `8 runs: 5 × passed, 3 × failed`. */
export function oddsOf({ runs, verdicts }: NonNullable<ItemResult['flaky']>): string {
  const times = Object.entries(verdicts).map(([verdict, number]) => `${number} × ${verdict}`);
  return `${runs} runs: ${times.join(', ')}`;
}

/** Failing cases that a report tells of one item. */
const CASES_TOLD = 20;

/** Why an item did not pass, in lines: what ended it, the advice, findings, failing cases, what it raised. */
export function explanationOf(result: ItemResult): string {
  const failing = result.tests?.cases.filter((testCase) => testCase.outcome === 'failed') ?? [];
  return [
    sentenceOf(result),
    ...(result.diagnosis ? [result.diagnosis.advice] : []),
    ...result.findings.map(
      (finding) => `${finding.line}:${finding.column} ${finding.rule} ${finding.message}`,
    ),
    ...failing.slice(0, CASES_TOLD).map(({ name, message }) => (message ? `${name}\n${message}` : name)),
    ...(failing.length > CASES_TOLD ? [`and ${failing.length - CASES_TOLD} more failing cases`] : []),
    ...(result.execution?.error ? [result.execution.error.traceback] : []),
  ].join('\n');
}
