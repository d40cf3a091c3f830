import type { z } from 'zod';

/** One fault of what a user wrote, with the path of the field. */
export interface SpecFault {
  /** Such as `limits.timeoutMs` or `files[0].path`; empty for the whole. */
  path: string;
  /** One sentence without the path, such as `must be at least 100`. */
  message: string;
}

/** The faults that zod found, each as a sentence that a person can act on. */
export function specFaults(error: z.ZodError): SpecFault[] {
  return error.issues.flatMap((issue) => faultsOf(issue, []));
}

/** `path: message` of every fault on one line. */
export function describeFaults(faults: SpecFault[]): string {
  return faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}

type Issue = z.core.$ZodIssue;

function faultsOf(issue: Issue, prefix: PropertyKey[]): SpecFault[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: pathOf([...path, key]), message: 'there is no such field' }));
  if (issue.code === 'invalid_union') return unionFaults(issue, path);
  return [{ path: pathOf(path), message: messageOf(issue) }];
}

/** Of the alternatives of a union the one that came nearest is told: the one whose faults lie deepest. */
function unionFaults(issue: z.core.$ZodIssueInvalidUnion, path: PropertyKey[]): SpecFault[] {
  if (issue.errors.length === 0) {
    const { options } = issue as { options?: string[] };
    return [
      { path: pathOf(path), message: options ? `must be one of ${options.join(', ')}` : issue.message },
    ];
  }
  const deep = issue.errors.find((issues) =>
    issues.some((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
  );
  if (deep) return deep.flatMap((inner) => faultsOf(inner, path));
  const choices = issue.errors.flatMap((issues) => issues.map(choiceOf));
  return [{ path: pathOf(path), message: `must be one of ${choices.join(', ')}` }];
}

function choiceOf(issue: Issue): string {
  if (issue.code === 'invalid_value') return issue.values.map(String).join(', ');
  if (issue.code === 'invalid_type') return `${article(issue.expected)} ${issue.expected}`;
  return issue.message;
}

/** What zod calls otherwise than JSON does. */
const NAMES: Record<string, string> = { int: 'whole number', record: 'object' };

function messageOf(issue: Issue): string {
  if (issue.code === 'custom') return issue.message;
  const missing =
    'input' in issue ? issue.input === undefined : issue.message.endsWith(' received undefined');
  if (issue.code === 'invalid_type') {
    if (missing) return 'is missing';
    const received = / received (.+)$/.exec(issue.message)?.[1];
    const expected = NAMES[issue.expected] ?? issue.expected;
    const got = received && issue.expected !== 'int' ? `, not ${received}` : '';
    return `must be ${article(expected)} ${expected}${got}`;
  }
  if (issue.code === 'invalid_value') {
    const reported = 'input' in issue && issue.input === undefined;
    return `${reported ? 'is missing; ' : ''}must be one of ${issue.values.map(String).join(', ')}`;
  }
  if (issue.code === 'too_small') return bound(issue.origin, 'at least', issue.minimum, issue.inclusive);
  if (issue.code === 'too_big') return bound(issue.origin, 'at most', issue.maximum, issue.inclusive);
  if (issue.code === 'invalid_format' && issue.format === 'base64') return 'is not valid base64';
  return issue.message;
}

function bound(origin: string, word: string, limit: number | bigint, inclusive = true): string {
  const exclusive = word === 'at least' ? 'more than' : 'less than';
  const amount = `${inclusive ? word : exclusive} ${limit}`;
  if (origin === 'string') return `must have ${amount} ${limit === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `must have ${amount} ${limit === 1 ? 'entry' : 'entries'}`;
  return `must be ${amount}`;
}

function article(noun: string): string {
  return /^[aeiou]/.test(noun) ? 'an' : 'a';
}

function pathOf(path: PropertyKey[]): string {
  return path
    .map((part) =>
      typeof part === 'number'
        ? `[${part}]`
        : /^[\w-]+$/.test(String(part))
          ? `.${String(part)}`
          : `[${JSON.stringify(String(part))}]`,
    )
    .join('')
    .replace(/^\./, '');
}
