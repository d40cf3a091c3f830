import type { Language } from '../domain/language.ts';

const BY_EXTENSION: Record<string, Language> = {
  py: 'python', pyw: 'python', pyi: 'python', ipy: 'python',
  js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascript',
  ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'typescript',
  sh: 'bash', bash: 'bash', bats: 'bash', ksh: 'bash',
}; // prettier-ignore

const BY_INTERPRETER: readonly (readonly [RegExp, Language])[] = [
  [/\bpython[\d.]*\b|\bpypy/, 'python'],
  [/\b(?:ts-node|tsx|deno)\b/, 'typescript'],
  [/\b(?:node|bun)\b/, 'javascript'],
  [/\b(?:ba|da|k|z)?sh\b/, 'bash'],
];

/** The language of a file, from its name or else its first line; undefined when neither tells. */
export function detectLanguage(fileName: string, code: string): Language | undefined {
  const extension = /\.([a-z]+)$/i.exec(fileName)?.[1]?.toLowerCase() ?? '';
  if (Object.hasOwn(BY_EXTENSION, extension)) return BY_EXTENSION[extension];
  const firstLine = code
    .slice(0, 300)
    .replace(/^\ufeff/, '')
    .split('\n')[0]!;
  if (!firstLine.startsWith('#!')) return undefined;
  return BY_INTERPRETER.find(([pattern]) => pattern.test(firstLine))?.[1];
}
