import type { Language } from '../../domain/language.ts';

const PYTHON: readonly string[] = [
  // The article's own list.
  'pandas', 'numpy', 'matplotlib', 'seaborn', 'sklearn', 'scipy', 'requests', 'json',
  // Standard modules that compute and touch nothing outside.
  '__future__', 'abc', 'array', 'base64', 'binascii', 'bisect', 'calendar', 'cmath', 'collections', 'colorsys', 'contextlib', 'contextvars', 'copy',
  'csv', 'dataclasses', 'datetime', 'decimal', 'difflib', 'doctest', 'enum', 'fractions', 'functools', 'graphlib', 'hashlib', 'heapq', 'hmac', 'html',
  'io', 'ipaddress', 'itertools', 'keyword', 'locale', 'logging', 'math', 'numbers', 'operator', 'pathlib', 'pprint', 'queue', 'random', 're', 'secrets',
  'statistics', 'string', 'struct', 'textwrap', 'time', 'timeit', 'traceback', 'types', 'typing', 'typing_extensions', 'unicodedata', 'unittest',
  'urllib.parse', 'uuid', 'warnings', 'weakref', 'zlib', 'zoneinfo',
  // What tests need.
  'pytest', 'solution',
]; // prettier-ignore

const JAVASCRIPT: readonly string[] = [
  'assert', 'assert/strict', 'buffer', 'console', 'crypto', 'events', 'path', 'perf_hooks', 'punycode', 'querystring', 'stream', 'string_decoder', 'test',
  'timers', 'url', 'util', 'zlib', 'vitest', 'solution',
]; // prettier-ignore

/** The modules that `strict` lets in; undefined where a language has no imports. */
export function strictImports(language: Language): readonly string[] | undefined {
  if (language === 'python') return PYTHON;
  return language === 'bash' ? undefined : JAVASCRIPT;
}

/** True when a module, or a package that holds it, is on the list. Relative modules are the job's own files and always are. */
export function isListed(language: Language, module: string, list: readonly string[]): boolean {
  if (module.startsWith('.')) return true;
  const plain = (name: string): string => name.replace(/^node:/, '');
  const separator = language === 'python' ? '.' : '/';
  const wanted = plain(module);
  return list.some((entry) => wanted === plain(entry) || wanted.startsWith(plain(entry) + separator));
}

/** True when a module, or a package that holds it, is forbidden. */
export function isDenied(language: Language, module: string, list: readonly string[]): boolean {
  return !module.startsWith('.') && isListed(language, module, list);
}
