import { z } from 'zod';
import { BlobRef } from './blob.ts';
import { Diagnosis } from './diagnosis.ts';
import { Finding } from './finding.ts';
import { LANGUAGES } from './language.ts';

/** `passed`, `failed` and `rejected` are about the code; `error` is about the world: no verdict could be reached. */
export const VERDICTS = ['passed', 'failed', 'rejected', 'error'] as const;
export const Verdict = z.enum(VERDICTS);
export type Verdict = z.infer<typeof Verdict>;

const ms = z.number().min(0);
const instant = z.string().describe('ISO 8601, UTC');

/** An output stream: its head and tail with what was left out counted, and the whole by reference where it was cut. */
export const OutputText = z.object({
  text: z.string(),
  truncated: z.boolean(),
  totalChars: z.number().int().min(0),
  ref: BlobRef.optional().describe('The whole stream; present where it was truncated'),
});
export type OutputText = z.infer<typeof OutputText>;

/** One rich result: MIME type → text, base64 for binary types, or a reference where it is large. */
export const RichResult = z.object({
  main: z.boolean().describe("Whether it is the value of the code's last expression"),
  data: z.record(z.string(), z.union([z.string(), BlobRef])),
  chart: z.unknown().optional().describe("E2B's chart data"),
});
export type RichResult = z.infer<typeof RichResult>;

export const CodeError = z.object({ name: z.string(), value: z.string(), traceback: z.string() });
export type CodeError = z.infer<typeof CodeError>;

export const Execution = z.object({
  results: z.array(RichResult),
  stdout: OutputText,
  stderr: OutputText,
  error: CodeError.optional().describe('What the code raised; absent where it ran to its end'),
});
export type Execution = z.infer<typeof Execution>;

export const TEST_OUTCOMES = ['passed', 'failed', 'skipped'] as const;
export const TestCase = z.object({
  name: z.string(),
  outcome: z.enum(TEST_OUTCOMES),
  durationMs: ms,
  message: z.string().optional(),
});
export type TestCase = z.infer<typeof TestCase>;

const share = z.object({ covered: z.number().int(), total: z.number().int(), percent: z.number() });
export const Coverage = z.object({
  lines: share,
  branches: share,
  files: z.array(
    z.object({ path: z.string(), lines: share, branches: share, missingLines: z.array(z.number().int()) }),
  ),
});
export type Coverage = z.infer<typeof Coverage>;

export const TestReport = z.object({
  kind: z.string(),
  total: z.number().int(),
  passed: z.number().int(),
  failed: z.number().int(),
  skipped: z.number().int(),
  cases: z.array(TestCase),
  casesTruncated: z
    .boolean()
    .default(false)
    .describe('More than the first 1000 were left out; failures are kept first'),
  coverage: Coverage.optional(),
  stdout: OutputText,
  stderr: OutputText,
});
export type TestReport = z.infer<typeof TestReport>;

export const Artifact = BlobRef.extend({ path: z.string().describe('Relative to the working folder') });
export type Artifact = z.infer<typeof Artifact>;

export const STEP_NAMES = ['validate', 'open', 'execute', 'test', 'collect', 'close'] as const;
export const StepName = z.enum(STEP_NAMES);
export type StepName = z.infer<typeof StepName>;

export const StepRecord = z.object({
  name: StepName,
  startedAt: instant,
  durationMs: ms,
  outcome: z.enum(['ok', 'failed', 'error']),
  trouble: z.string().optional().describe('What kept it from its end; present where the outcome is error'),
});
export type StepRecord = z.infer<typeof StepRecord>;

export const Attempt = z.object({
  number: z.number().int().min(1),
  sandboxId: z.string().optional().describe('Absent where no sandbox could be had'),
  startedAt: instant,
  durationMs: ms,
  steps: z.array(StepRecord),
  verdict: Verdict,
  ended: z.string().describe('What ended it, in one sentence'),
  diagnosis: Diagnosis.optional(),
});
export type Attempt = z.infer<typeof Attempt>;

export const JobResult = z.object({
  schemaVersion: z.literal(1).default(1),
  jobId: z.string(),
  key: z.string().optional(),
  verdict: Verdict,
  language: z.enum(LANGUAGES),
  template: z.string(),
  labels: z.record(z.string(), z.string()),
  startedAt: instant,
  durationMs: ms,
  findings: z.array(Finding),
  attempts: z.array(Attempt),
  execution: Execution.optional().describe('Of the last attempt; absent where nothing was executed'),
  tests: TestReport.optional().describe('Of the last attempt; absent where no test ran'),
  artifacts: z.array(Artifact),
  artifactsOmitted: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Files that match but were left out, over 1000 files or 1 GiB; absent where none'),
  diagnosis: Diagnosis.optional().describe('Absent where the verdict is passed'),
  usage: z.object({
    sandboxMs: ms.describe('Life of all sandboxes of the job, in ms'),
    codeChars: z.number().int().min(0).describe('Length of the code, in characters'),
  }),
});
export type JobResult = z.infer<typeof JobResult>;

/** What a running job tells of itself. */
export interface JobStatus {
  jobId: string;
  /** `broken` is a job whose workflow failed or was terminated from outside: it has no result. */
  state: 'running' | 'done' | 'cancelled' | 'broken';
  attempt: number;
  step: StepName | 'waiting' | 'done';
  sandboxId?: string | undefined;
  /** Steps of all attempts so far, in order. */
  steps: (StepRecord & { attempt: number })[];
  verdict?: Verdict | undefined;
}
