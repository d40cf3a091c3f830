import type { Severity } from './finding.ts';
import { LANGUAGES, type Language } from './language.ts';

/** How much a rule weighs under a preset. */
export type RuleLevel = Severity | 'off';

/** A rule as users see it. */
export interface Rule {
  /** Stable name. */
  readonly name: string;
  readonly languages: readonly Language[];
  /** Level by preset; under `off` no rule looks at the code. */
  readonly levels: { readonly off: RuleLevel; readonly standard: RuleLevel; readonly strict: RuleLevel };
  /** What it looks for, in a few words. */
  readonly summary: string;
  /** What to do instead: the rest of a sentence. */
  readonly advice: string;
}

const ALL: readonly Language[] = LANGUAGES;
const SCRIPTS: readonly Language[] = ['python', 'javascript', 'typescript'];
const PYTHON: readonly Language[] = ['python'];

function rule(
  name: string,
  languages: readonly Language[],
  [standard, strict]: readonly [RuleLevel, RuleLevel],
  summary: string,
  advice: string,
): Rule {
  return { name, languages, levels: { off: 'off', standard, strict }, summary, advice };
}

/** What holds under every preset: code that cannot be read cannot be judged. */
const ALWAYS: readonly Rule[] = [
  ['syntax', 'Text that is not a program of its language', 'correct the syntax'],
  ['too-large', 'More than 5,000,000 characters of code', 'move data out of the code into a file of the job'],
  ['too-many-findings', 'More than 200 findings', 'correct these first'],
  [
    'too-complex',
    'Code that takes too much work to examine',
    'split it, or move data out of the code into a file of the job',
  ],
].map(([name, summary, advice]) => ({
  name: name!,
  languages: ALL,
  levels: { off: 'error', standard: 'error', strict: 'error' },
  summary: summary!,
  advice: advice!,
}));

/** Every rule, in the order of the documentation. */
export const RULES: readonly Rule[] = [
  ...ALWAYS,
  rule(
    'no-hidden-name',
    SCRIPTS,
    ['error', 'error'],
    'A dangerous name or module put together from pieces',
    'write the name out',
  ),
  rule(
    'no-hidden-code',
    ALL,
    ['error', 'error'],
    'Running code that was encoded, compressed or put together',
    'write the code out',
  ),
  rule(
    'no-remote-code',
    ALL,
    ['error', 'error'],
    'Running code that comes from the network',
    'put the code into the job',
  ),
  rule(
    'no-reverse-shell',
    ALL,
    ['error', 'error'],
    'A shell or terminal tied to a network connection',
    'exchange data, not shells',
  ),
  rule(
    'no-fork-bomb',
    ALL,
    ['error', 'error'],
    'Processes that start themselves without end',
    'start a known number of processes',
  ),
  rule(
    'no-destructive-command',
    ALL,
    ['error', 'error'],
    'Wiping the root, a home folder or a device',
    "remove only the job's own files by name",
  ),
  rule(
    'no-sensitive-path',
    ALL,
    ['error', 'error'],
    'Reading credentials or other memory, or writing to the kernel',
    "use only the job's own files",
  ),
  rule(
    'no-metadata-service',
    ALL,
    ['error', 'error'],
    "Asking the cloud's metadata service",
    'pass what is needed in with the job',
  ),
  rule(
    'no-process-tampering',
    ALL,
    ['error', 'error'],
    'Tracing or killing processes that are not its own',
    'signal only processes that the code started',
  ),
  rule(
    'no-privilege-escalation',
    ALL,
    ['error', 'error'],
    'Changing user, namespaces, capabilities or the kernel',
    'run as the user that the sandbox gives',
  ),
  rule(
    'no-native-memory',
    SCRIPTS,
    ['error', 'error'],
    'Reaching memory or native libraries from the language',
    'use a package that wraps the library',
  ),
  rule(
    'no-interpreter-internals',
    SCRIPTS,
    ['error', 'error'],
    "Walking the interpreter's classes, frames and globals",
    'pass objects as arguments',
  ),
  rule(
    'no-unsafe-pickle',
    PYTHON,
    ['error', 'error'],
    'A pickle that runs commands when it is loaded',
    'carry data as JSON',
  ),
  rule('no-crypto-mining', ALL, ['error', 'error'], 'Mining programs and pools', 'remove it'),
  rule(
    'no-bidirectional-text',
    ALL,
    ['warning', 'error'],
    'Characters that turn the direction of the text and hide code',
    'remove these characters',
  ),
  rule(
    'no-forged-verdict',
    SCRIPTS,
    ['warning', 'error'],
    'Leaving at once, or patching what judges the code',
    'let the tests run and end by themselves',
  ),
  rule(
    'no-credential-listing',
    ALL,
    ['warning', 'error'],
    'Reading the list of users of the system',
    "use only the job's own files",
  ),
  rule(
    'no-superuser',
    ALL,
    ['warning', 'error'],
    'Becoming another user by sudo, su or doas',
    'put packages into a template, and run as the user given',
  ),
  rule(
    'no-dynamic-attribute',
    SCRIPTS,
    ['warning', 'error'],
    'A name of a system module that is only known at run time',
    'write the name out',
  ),
  rule(
    'no-shell',
    SCRIPTS,
    ['info', 'error'],
    'A shell command from a program',
    'call a library instead of a shell',
  ),
  rule('no-eval', ALL, ['off', 'error'], 'Running text as code', 'call functions instead of building code'),
  rule(
    'no-dynamic-import',
    SCRIPTS,
    ['off', 'error'],
    'An import by a computed or unusual way',
    'use a plain import',
  ),
  rule(
    'no-process-spawn',
    SCRIPTS,
    ['off', 'error'],
    'Starting other processes',
    'do it inside the process, with a library',
  ),
  rule(
    'no-network',
    ALL,
    ['off', 'error'],
    "Network access other than by Python's requests",
    'pass data in as files, or use requests',
  ),
  rule(
    'no-file-write',
    ALL,
    ['off', 'error'],
    'Writing, moving or removing files by hand',
    'return the result, or save it by a library such as pandas or matplotlib',
  ),
  rule(
    'no-unsafe-deserialization',
    SCRIPTS,
    ['off', 'error'],
    'Loading data in a format that can run code',
    'use JSON',
  ),
  rule('no-environment', SCRIPTS, ['off', 'error'], 'Reading the environment', 'pass values as arguments'),
  rule(
    'no-unlisted-import',
    SCRIPTS,
    ['off', 'error'],
    'A module that the policy does not list',
    'use a module of the list, or add it to `allowImports`',
  ),
  rule('no-denied-import', SCRIPTS, ['error', 'error'], 'A module that the policy forbids', 'do without it'),
];

const BY_NAME = new Map(RULES.map((entry) => [entry.name, entry]));

/** A rule by its name. */
export function findRule(name: string): Rule | undefined {
  return BY_NAME.get(name);
}
