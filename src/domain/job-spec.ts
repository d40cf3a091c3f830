import { z } from 'zod';
import { LANGUAGES } from './language.ts';
import { ValidationPolicy } from './validation-policy.ts';

const key = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\w.:/@+-]+$/, 'use letters, digits and . _ : / @ + - only')
  .describe('The same key is the same job. Default: none; the job gets an id from its content and the time');

/** A path below the sandbox's working folder: relative, no `..`, no NUL. */
const workingPath = z
  .string()
  .min(1)
  .max(1024)
  .superRefine((path, context) => {
    const parts = path.split('/');
    if (path.includes('\0')) context.addIssue({ code: 'custom', message: 'must not contain a NUL byte' });
    else if (path.startsWith('/') || path.startsWith('~'))
      context.addIssue({ code: 'custom', message: 'must be relative to the working folder' });
    else if (parts.includes('..'))
      context.addIssue({ code: 'custom', message: 'must not leave the working folder (no `..`)' });
    else if (path.endsWith('/') || parts.every((part) => part === '.' || part === ''))
      context.addIssue({ code: 'custom', message: 'must name a file' });
  });

const JobFile = z
  .strictObject({
    path: workingPath.describe('Where it goes, relative to the working folder'),
    content: z.string().optional().describe('The file as text (UTF-8)'),
    base64: z.base64().optional().describe('The file as base64'),
    from: z.string().min(1).optional().describe('A store URL; for the CLI a local path too'),
  })
  .superRefine((file, context) => {
    const given = (['content', 'base64', 'from'] as const).filter((field) => file[field] !== undefined);
    if (given.length !== 1)
      context.addIssue({
        code: 'custom',
        message: `give exactly one of content, base64 and from; got ${given.length === 0 ? 'none' : given.join(' and ')}`,
      });
  })
  .describe('One input file');

const percent = z.number().min(0).max(100);
const code = (what: string) => z.string().refine((text) => text.trim() !== '', `${what} must not be empty`);

const CodeTests = (kind: 'pytest' | 'node' | 'script') =>
  z.strictObject({
    kind: z.literal(kind),
    code: code('the tests').describe('The test file'),
    coverage: z
      .strictObject({
        lines: percent.optional().describe('Least share of lines covered, in percent. Default: no threshold'),
        branches: percent
          .optional()
          .describe('Least share of branches covered, in percent. Default: no threshold'),
      })
      .optional()
      .describe('Coverage is measured where this is given (pytest and node). Default: not measured'),
  });

export const IoCase = z.strictObject({
  name: z.string().min(1).max(200).optional().describe('Default: `case N`'),
  stdin: z.string().default('').describe('Default: empty'),
  stdout: z.string().describe('Expected output, compared up to trailing white space'),
});
export type IoCase = z.infer<typeof IoCase>;

export const TestSpec = z.discriminatedUnion('kind', [
  CodeTests('pytest').describe('pytest; the code is the module `solution`'),
  CodeTests('node').describe('A node:test file beside solution.js or solution.ts'),
  CodeTests('script').describe('Runs after the code, with all of its top-level names in scope'),
  z
    .strictObject({ kind: z.literal('io'), cases: z.array(IoCase).min(1).max(10_000) })
    .describe('The code run as a program once a case'),
]);
export type TestSpec = z.infer<typeof TestSpec>;
export const TEST_KINDS = ['pytest', 'node', 'script', 'io'] as const;
export type TestKind = (typeof TEST_KINDS)[number];

export const Limits = z.strictObject({
  timeoutMs: z
    .number()
    .int()
    .min(100)
    .max(86_400_000)
    .default(30_000)
    .describe('Wall time of each of execute and test, in ms. Default: 30000'),
  memoryMb: z
    .number()
    .int()
    .min(32)
    .max(65_536)
    .default(512)
    .describe('Memory of the code, in MiB. Default: 512'),
  outputChars: z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .default(10_000)
    .describe(
      'Characters of each output stream kept in the result; the whole is an artifact. Default: 10000',
    ),
  internet: z.boolean().default(false).describe('Whether the sandbox may reach the internet. Default: false'),
});
export type Limits = z.infer<typeof Limits>;

export const RETRYABLE_BY_CHANCE = ['timeout', 'memory'] as const;
export const RetryPolicy = z.strictObject({
  maxAttempts: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe('Attempts of the code in all. Default: 3'),
  on: z
    .array(z.enum(RETRYABLE_BY_CHANCE))
    .default([...RETRYABLE_BY_CHANCE])
    .describe("What the code's own failure must be to be tried again. Default: timeout and memory"),
  initialIntervalMs: z
    .number()
    .int()
    .min(0)
    .max(3_600_000)
    .default(2_000)
    .describe('Wait before the second attempt, in ms; it doubles. Default: 2000'),
  maximumIntervalMs: z
    .number()
    .int()
    .min(0)
    .max(3_600_000)
    .default(10_000)
    .describe('Longest wait between attempts, in ms. Default: 10000'),
  worldTimeoutMs: z
    .number()
    .int()
    .min(0)
    .max(86_400_000)
    .default(600_000)
    .describe(
      'How long trouble of the world (rate limits, lost sandboxes, a service that is down) is waited out before the verdict is `error`, in ms. Default: 600000',
    ),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;

/** What a user hands over: one piece of code and how to find out whether it works. */
export const JobSpec = z
  .strictObject({
    key: key.optional(),
    language: z.enum(LANGUAGES).describe('The language of the code'),
    code: code('the code').describe('The code'),
    files: z.array(JobFile).max(1000).default([]).describe('Input files. Default: none'),
    validate: z
      .strictObject({ policy: ValidationPolicy.default('standard').describe('Default: standard') })
      .default({ policy: 'standard' })
      .describe('What the validator asks of the code before it runs'),
    tests: TestSpec.optional().describe('Default: none; the verdict is then that of the execution'),
    artifacts: z
      .array(workingPath)
      .max(100)
      .default([])
      .describe('Globs of files to keep, relative to the working folder. Default: none'),
    limits: Limits.default(Limits.parse({})),
    retry: RetryPolicy.default(RetryPolicy.parse({})),
    template: z
      .string()
      .min(1)
      .max(200)
      .default('default')
      .describe('Name of the sandbox template. Default: default'),
    labels: z
      .record(z.string().min(1).max(100), z.string().max(1000))
      .default({})
      .describe('Your own labels. Default: none'),
  })
  .superRefine((spec, context) => {
    const languages: Record<TestKind, readonly string[]> = {
      pytest: ['python'],
      node: ['javascript', 'typescript'],
      script: LANGUAGES,
      io: LANGUAGES,
    };
    if (spec.tests && !languages[spec.tests.kind].includes(spec.language))
      context.addIssue({
        code: 'custom',
        path: ['tests', 'kind'],
        message: `tests of kind ${spec.tests.kind} are for ${languages[spec.tests.kind].join(' and ')}, not for ${spec.language}`,
      });
    const seen = new Set<string>();
    for (const [index, file] of spec.files.entries()) {
      if (seen.has(file.path))
        context.addIssue({
          code: 'custom',
          path: ['files', index, 'path'],
          message: `two files have the path ${file.path}`,
        });
      seen.add(file.path);
    }
  });
/** As written by a user: defaults may be left out. */
export type JobSpec = z.input<typeof JobSpec>;
/** As parsed: every default filled in. */
export type ParsedJobSpec = z.output<typeof JobSpec>;
