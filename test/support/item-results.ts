import { ItemResult } from '../../src/domain/batch.ts';
import type { Verdict } from '../../src/domain/job-result.ts';

/** What hostile code writes to break out of a report. */
export const HOSTILE = [
  ']]>',
  '</script><script>document.title="owned"</script>',
  '<!-- <script',
  '<img src=x onerror=alert(1)>',
  'nul \u0000 bell \u0007 escape \u001b[31mred\u001b[0m',
  'lone \ud800 and \udc00 surrogates, \ufffe and \uffff',
  '| a | `b` | [link](javascript:alert(1)) | ![i](https://x.test/i.png) | @everyone | <b>',
  'reordered \u202e text',
  '"quoted" & \'apostrophe\' \r\n next',
].join('\n');

export interface ItemResultParts extends Partial<Omit<ItemResult, 'verdict'>> {
  verdict?: Verdict;
  sentence?: string;
  stdout?: string;
}

let made = 0;

/** A valid result of an item. */
export function itemResultOf({ sentence, stdout, ...parts }: ItemResultParts = {}): ItemResult {
  const verdict = parts.verdict ?? 'passed';
  const index = parts.index ?? made++;
  const startedAt = '2026-01-02T03:04:05.678Z';
  const output = (text: string) => ({ text, truncated: false, totalChars: text.length });
  return ItemResult.parse({
    id: `item-${index}`,
    index,
    jobId: `batch-b/item-${index}`,
    verdict,
    language: 'python',
    template: 'default',
    labels: {},
    startedAt,
    durationMs: 40,
    findings: [],
    attempts: [
      { number: 1, startedAt, durationMs: 30, steps: [], verdict, ended: sentence ?? `It has ${verdict}` },
    ],
    artifacts: [],
    usage: { sandboxMs: 30, codeChars: 12 },
    ...(stdout !== undefined && {
      execution: { results: [], stdout: output(stdout), stderr: output(stdout) },
    }),
    ...(verdict !== 'passed' && {
      diagnosis: {
        category: 'assertion',
        evidence: sentence ?? 'assert',
        retryHelps: false,
        advice: 'Mend it.',
      },
    }),
    ...parts,
  });
}

/** A failed item that is hostile wherever a text can be. */
export function hostileItemResult(parts: ItemResultParts = {}): ItemResult {
  const output = { text: HOSTILE, truncated: false, totalChars: HOSTILE.length };
  return itemResultOf({
    id: HOSTILE,
    group: HOSTILE,
    verdict: 'failed',
    sentence: HOSTILE,
    labels: { [HOSTILE]: HOSTILE },
    execution: {
      results: [{ main: true, data: { 'text/plain': HOSTILE, 'text/html': HOSTILE, [HOSTILE]: HOSTILE } }],
      stdout: output,
      stderr: output,
      error: { name: HOSTILE, value: HOSTILE, traceback: HOSTILE },
    },
    tests: {
      kind: 'pytest',
      total: 1,
      passed: 0,
      failed: 1,
      skipped: 0,
      cases: [{ name: HOSTILE, outcome: 'failed', durationMs: 1, message: HOSTILE }],
      casesTruncated: false,
      stdout: output,
      stderr: output,
    },
    diagnosis: { category: 'assertion', evidence: HOSTILE, retryHelps: false, advice: HOSTILE },
    findings: [
      { rule: HOSTILE, severity: 'info', message: HOSTILE, line: 1, column: 1, endLine: 1, endColumn: 2 },
    ],
    ...parts,
  });
}

export async function* streamOf<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* items;
}

export async function textOf(chunks: AsyncIterable<string>): Promise<string> {
  return (await Array.fromAsync(chunks)).join('');
}
