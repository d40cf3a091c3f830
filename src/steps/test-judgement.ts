import type { CODE_CATEGORIES } from '../domain/diagnosis.ts';
import { evidenceOf, faultOfDeath, faultOfError, lastLine, oneLine } from '../domain/fault-of-error.ts';
import type { Coverage, TestCase } from '../domain/job-result.ts';
import type { CodeFault } from '../domain/step-outcome.ts';
import { deathOf } from './limit-faults.ts';
import type { News, SupervisedRun } from './supervise.ts';

/** What the tests of one run came to. */
export interface TestJudgement {
  cases: TestCase[];
  coverage?: Coverage | undefined;
  fault?: CodeFault | undefined;
}

/** Around the news: what the job asked for, and what was printed last. */
export interface TestCircumstances {
  timeoutMs: number;
  memoryMb: number;
  internet: boolean;
  stderr: string;
  thresholds?: { lines?: number | undefined; branches?: number | undefined } | undefined;
}

type Category = (typeof CODE_CATEGORIES)[number];

/** Decides from the runner's news whether the tests have passed: only a complete, untouched report does. */
export function judgeTests(run: SupervisedRun, about: TestCircumstances): TestJudgement {
  const cases: TestCase[] = [];
  const kinds = new Map<TestCase, string>();
  for (const [what, name, outcome, ms, message, kind] of run.news)
    if (what === 'done') {
      const test = testCase(String(name), outcome, ms, message);
      kinds.set(test, String(kind ?? ''));
      cases.push(test);
    }
  const coverage = coverageOf(run.news);
  const failed = cases.find((test) => test.outcome === 'failed');
  const fault =
    forgery(run) ??
    hardEnd(run, about) ??
    collectionError(run, about) ??
    (failed && failureFault(failed, kinds.get(failed) ?? '', cases, about)) ??
    incomplete(run, cases) ??
    (coverage && about.thresholds ? coverageFault(coverage, about.thresholds) : undefined);
  return { cases, coverage, fault };
}

function testCase(name: string, outcome: unknown, ms: unknown, message: unknown): TestCase {
  return {
    name,
    outcome: outcome === 'passed' || outcome === 'skipped' ? outcome : 'failed',
    durationMs: typeof ms === 'number' && ms >= 0 ? Math.round(ms * 100) / 100 : 0,
    ...(message ? { message: String(message) } : {}),
  };
}

function forgery(run: SupervisedRun): CodeFault | undefined {
  const tampered = run.news.find(([what]) => what === 'tamper')?.[1];
  const end = run.ends.at(-1);
  if (run.forged) return forged(run.forged);
  if (typeof tampered === 'string') return forged(tampered);
  if (end?.survivors?.length) return forged(`${end.survivors.join(', ')} outlived the tests`);
  if (!end) return forged('the runner was killed by the code under test');
  return undefined;
}

/** The process ended otherwise than by finishing its report. */
function hardEnd(run: SupervisedRun, about: TestCircumstances): CodeFault | undefined {
  const end = run.ends.at(-1)!;
  if (end.why === 'timeout') {
    const open = openTest(run.news);
    const sentence = `The tests did not end within ${about.timeoutMs} ms`;
    return faultOf('timeout', open ? `${open} was running` : sentence, sentence);
  }
  if (end.why === 'output')
    return faultOf(
      'output',
      'more than 64 MB of output',
      'The tests printed more than 64 MB and were stopped',
    );
  if (run.news.some(([what]) => what === 'finish' || what === 'error')) return undefined;
  const where = openTest(run.news);
  const during = where ? `during ${where}` : 'before the tests had run';
  if (end.code === 0) return forged(`the process ended with exit code 0 ${during}`);
  const how = end.signal ? `signal ${end.signal}` : `exit code ${end.code}`;
  const shown = oneLine(lastLine(about.stderr));
  return faultOf(
    faultOfDeath(deathOf(end, about.memoryMb), about.stderr),
    shown || how,
    `The process of the tests ended with ${how} ${during}`,
  );
}

function collectionError(run: SupervisedRun, about: TestCircumstances): CodeFault | undefined {
  const news = run.news.find(([what]) => what === 'error');
  if (!news) return undefined;
  const [, name, value, traceback] = news.map(String);
  const error = { name: name!, value: value!, traceback };
  const evidence = evidenceOf(error);
  // Tests may do so themselves, with `unittest.main()` at their end.
  const isOfCode = /(?<!test_)solution\.py|"<\w+>"/.test(traceback!);
  if (name === 'SystemExit' && /^(0|None|False|)$/.test(value!) && isOfCode)
    return forged(`the code ended the process (${evidence}) before the tests had run`);
  const category = faultOfError(error, about.internet);
  const what = category === 'assertion' ? 'The tests failed' : 'The tests could not run';
  return faultOf(category, evidence, `${what}: ${evidence}`);
}

function failureFault(test: TestCase, kind: string, cases: TestCase[], about: TestCircumstances): CodeFault {
  const failures = cases.filter((other) => other.outcome === 'failed').length;
  const evidence = errorLine(test.message ?? '') || `${test.name} failed`;
  const name = kind || /^(?:E\s+)?([\w.]*(?:Error|Exception))\b/.exec(evidence)?.[1] || 'AssertionError';
  const category: Category =
    name === 'SystemExit' ? 'exception' : faultOfError({ name, value: evidence }, about.internet);
  return faultOf(
    category,
    `${test.name}: ${evidence}`,
    `${failures} of ${cases.length} tests failed, first ${test.name}`,
  );
}

/** pytest marks the lines that tell with `E`. */
function errorLine(message: string): string {
  const lines = message.split('\n');
  const marked = lines.find((line) => /^E\s+\S/.test(line));
  if (marked) return oneLine(marked.slice(1));
  const first = oneLine(message);
  // Node's assertions end their first line in a colon, and say the values below.
  const values = first.endsWith(':')
    ? lines.slice(1).filter((line) => /^\S/.test(line) || / !== /.test(line))
    : [];
  return values.length > 0 ? `${first} ${oneLine(values.slice(0, 4).join(' '))}` : first;
}

function incomplete(run: SupervisedRun, cases: TestCase[]): CodeFault | undefined {
  const list = (what: string): string[] | undefined =>
    run.news.find(([name]) => name === what)?.[1] as string[] | undefined;
  const collected = list('collected');
  const names = cases.map((test) => test.name);
  const bare = new Set((collected ?? names).flatMap((name) => [name, name.replace(/\[.*$/s, '')]));
  const absent = (list('declared') ?? []).find((name) => !bare.has(name));
  const whole = cases.every((test) => test.outcome === 'skipped');
  if (absent !== undefined && !whole) return forged(`the test ${absent} did not run`);
  if (collected && (collected.length !== names.length || collected.some((name, at) => name !== names[at])))
    return forged(`${collected.length} tests were collected and ${names.length} reported`);
  if (!run.news.some(([what]) => what === 'finish')) return forged('the report has no end');
  if (whole) {
    const sentence = cases.length === 0 ? 'No test ran' : 'Every test was skipped';
    return faultOf('assertion', sentence, sentence);
  }
  return undefined;
}

type FileCoverage = [
  path: string,
  lines: number,
  ofLines: number,
  branches: number,
  ofBranches: number,
  missing: number[],
];

/** Python's runner tells of files as tuples, Node's as JSON, a file a line. */
function coverageOf(news: News[]): Coverage | undefined {
  const told = news.find(([what]) => what === 'coverage' || what === 'coverage-json');
  if (!told) return undefined;
  const list =
    told[0] === 'coverage'
      ? (told.slice(1) as FileCoverage[])
      : String(told[1])
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as FileCoverage);
  const files = list.map(([path, lines, ofLines, branches, ofBranches, missing]) => ({
    path,
    lines: share(lines, ofLines),
    branches: share(branches, ofBranches),
    missingLines: missing.slice(0, 2_000),
  }));
  const sum = (part: 'lines' | 'branches') =>
    share(
      files.reduce((all, file) => all + file[part].covered, 0),
      files.reduce((all, file) => all + file[part].total, 0),
    );
  return { lines: sum('lines'), branches: sum('branches'), files: files.slice(0, 200) };
}

function share(covered: number, total: number): Coverage['lines'] {
  // Nothing to cover is all covered, as coverage.py has it.
  return { covered, total, percent: total === 0 ? 100 : Math.floor((covered / total) * 10_000) / 100 };
}

function coverageFault(
  coverage: Coverage,
  thresholds: NonNullable<TestCircumstances['thresholds']>,
): CodeFault | undefined {
  for (const part of ['lines', 'branches'] as const) {
    const least = thresholds[part];
    const { percent, covered, total } = coverage[part];
    if (least !== undefined && percent < least) {
      const evidence = `${part}: ${percent} % (${covered} of ${total}), at least ${least} % asked for`;
      return faultOf('coverage', evidence, `The tests pass but cover too little: ${evidence}`);
    }
  }
  return undefined;
}

function openTest(news: News[]): string | undefined {
  const last = news.findLast(([what]) => what === 'start' || what === 'done');
  return last?.[0] === 'start' ? String(last[1]) : undefined;
}

function faultOf(category: Category, evidence: string, sentence: string): CodeFault {
  return { category, evidence, sentence };
}

/** A fault that says why the outcome is not believed. */
export function forged(evidence: string): CodeFault {
  return faultOf('forged', evidence, `The outcome of the tests cannot be trusted: ${evidence}`);
}
