import type { JobResult } from '../domain/job-result.ts';

// The ways in which tracebacks name a line of the job's own code, per language.
const PYTHON =
  /(?:solution\.py", line|Cell In\[\d+\], line|<ipython-input[^>]*>", line|solution\.py:) ?(\d+)/g;
const SCRIPT = /(?:solution|cell-\d+)\.[cm]?[jt]s:(\d+)/g;
const BASH = /line (\d+):/g;

/** The line of the job's code at which its failure shows, counted from 1; undefined where no traceback names one. */
export function lineOfFault(result: JobResult): number | undefined {
  const failed = result.tests?.cases.find((test) => test.outcome === 'failed')?.message;
  const texts = [result.execution?.error?.traceback, failed, result.diagnosis?.evidence];
  for (const text of texts) {
    const line = text === undefined ? undefined : lineIn(text, result.language);
    if (line !== undefined) return line;
  }
  return undefined;
}

function lineIn(text: string, language: JobResult['language']): number | undefined {
  const pattern = { python: PYTHON, javascript: SCRIPT, typescript: SCRIPT, bash: BASH }[language];
  const lines = [...text.matchAll(pattern)].map((match) => Number(match[1]));
  // Python tells the innermost frame last, JavaScript first.
  return language === 'python' ? lines.at(-1) : lines[0];
}
