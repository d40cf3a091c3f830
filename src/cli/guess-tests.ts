import { basename } from 'node:path';
import type { TestKind } from '../domain/job-spec.ts';
import type { Language } from '../domain/language.ts';
import { UsageError } from './cli-error.ts';

/** What kind of tests a file holds, by its name, then by what it says, then by the language of the code. */
export function guessTestKind(path: string, text: string, language: Language): TestKind {
  const name = basename(path);
  const kind = byName(name) ?? byText(text, language);
  if (kind) return kind;
  throw new UsageError(`cannot tell what kind of tests ${path} holds; say --kind pytest|node|script|io`);
}

function byName(name: string): TestKind | undefined {
  if (name.endsWith('.json')) return 'io';
  if (/^test_.*\.py$|_test\.py$/.test(name)) return 'pytest';
  if (/\.(test|spec)\.[cm]?[jt]s$/.test(name)) return 'node';
  if (/\.(sh|bash)$/.test(name)) return 'script';
  return undefined;
}

function byText(text: string, language: Language): TestKind | undefined {
  if (language === 'bash') return 'script';
  if (language === 'python')
    return /^\s*(from\s+solution\s+import|import\s+solution\b|(async\s+)?def\s+test_|import\s+pytest\b)/m.test(
      text,
    )
      ? 'pytest'
      : 'script';
  return /['"]node:test['"]/.test(text) ? 'node' : 'script';
}
