import { Option } from 'commander';
import type { Language } from '../domain/language.ts';
import { detectLanguage } from '../validation/detect-language.ts';
import { UsageError } from './cli-error.ts';

const NAMES: Record<Language, true> = { python: true, javascript: true, typescript: true, bash: true };

export function languageOption(): Option {
  return new Option(
    '-l, --language <language>',
    'language of the code (default: by file name or first line)',
  ).choices(Object.keys(NAMES));
}

/** The language that was asked for, or else what the name or the first line of the file says. */
export function languageOf(path: string, code: string, asked: Language | undefined): Language {
  const language = asked ?? detectLanguage(path === '-' ? '' : path, code);
  if (language) return language;
  throw new UsageError(
    `cannot tell the language of ${path === '-' ? 'stdin' : path} by its name or first line; say --language ${Object.keys(NAMES).join('|')}`,
  );
}
