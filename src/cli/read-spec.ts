import { JobSpec } from '../domain/job-spec.ts';
import { describeFaults, specFaults } from '../domain/spec-faults.ts';
import { UsageError } from './cli-error.ts';
import { refuseUnknownRules } from './custom-policy.ts';
import { localFiles, optionFiles } from './input-files.ts';
import { languageOf } from './language-option.ts';
import { parseJson } from './parse-json.ts';
import { readPolicy } from './policy-option.ts';
import { readText } from './read-input.ts';
import { readTests } from './read-tests.ts';
import type { SpecOptions } from './run-options.ts';

/**
 * The job that `assay run FILE|JOB.json|-` and its options describe, with every fault found before anything starts. How long the world is waited
 * for is left open where nothing says it: that depends on the server.
 */
export async function readSpec(path: string, options: SpecOptions): Promise<JobSpec> {
  const text = await readText(path, path.endsWith('.json') ? 'the job' : 'the code');
  const job = isJob(path, text, options) ? parseJson(text, nameOf(path)) : jobOfCode(path, text, options);
  if (typeof job !== 'object' || job === null || Array.isArray(job))
    throw new UsageError(`${nameOf(path)}: must be an object with the fields of a job; see assay schema job`);
  const spec = await overridden(job as Record<string, unknown>, options);
  const parsed = JobSpec.safeParse(spec, { reportInput: true });
  if (!parsed.success) throw new UsageError(`${nameOf(path)}: ${describeFaults(specFaults(parsed.error))}`);
  await refuseUnknownRules(parsed.data.validate.policy, `${nameOf(path)}: validate.policy.rules`);
  const { retry, files } = parsed.data;
  const worldTimeoutMs = (spec['retry'] as JobSpec['retry'])?.worldTimeoutMs;
  return { ...parsed.data, retry: { ...retry, worldTimeoutMs }, files: await localFiles(files, path) };
}

function nameOf(path: string): string {
  return path === '-' ? 'stdin' : path;
}

/** A job is a `.json` file, or a JSON object on stdin where no language is given. */
function isJob(path: string, text: string, options: SpecOptions): boolean {
  if (path !== '-') return path.endsWith('.json');
  return options.language === undefined && text.trimStart().startsWith('{');
}

function jobOfCode(path: string, code: string, options: SpecOptions): Record<string, unknown> {
  return { language: languageOf(path, code, options.language), code };
}

/** What the options say goes before what the file says. Fields of the wrong shape are left to the schema. */
async function overridden(
  job: Record<string, unknown>,
  options: SpecOptions,
): Promise<Record<string, unknown>> {
  const spec: Record<string, unknown> = { ...job };
  const set = (field: string, value: unknown) => {
    if (value !== undefined) spec[field] = value;
  };
  const merge = (field: string, values: Record<string, unknown>) => {
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    if (given.length > 0 && isMergeable(spec[field]))
      spec[field] = { ...spec[field], ...Object.fromEntries(given) };
  };
  set('language', options.language);
  set('key', options.key);
  set('template', options.template);
  if (options.policy !== undefined) set('validate', { policy: await readPolicy(options.policy) });
  merge('limits', {
    timeoutMs: options.timeout === undefined ? undefined : Math.round(options.timeout * 1000),
    memoryMb: options.memory,
    internet: options.internet,
  });
  merge('retry', { maxAttempts: options.attempts });
  merge('labels', options.label);
  set('tests', await readTests(spec, options));
  const files = await optionFiles(options.file);
  if (files.length > 0) set('files', [...(Array.isArray(spec['files']) ? spec['files'] : []), ...files]);
  if (options.artifact.length > 0)
    set('artifacts', [...(Array.isArray(spec['artifacts']) ? spec['artifacts'] : []), ...options.artifact]);
  return spec;
}

function isMergeable(value: unknown): value is Record<string, unknown> | undefined {
  return value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value));
}
