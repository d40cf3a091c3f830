import { basename, dirname, extname } from 'node:path/posix';
import type { Language } from '../domain/language.ts';

interface CodeFile {
  /** Relative to the folder from which its tests run. */
  path: string;
  language: Language;
  code: string;
}

/**
 * Files through which tests import code by the name that it has beside them, as well as by `solution`: each hands the same module on. None
 * that the tests do not import, since it could stand before a module of the language.
 */
export function filesUnderOwnName(file: CodeFile, tests: string): { path: string; content: string }[] {
  const name = basename(file.path, extname(file.path));
  if (name === 'solution') return [];
  return file.language === 'python' ? pythonFiles(file.path, name, tests) : nodeFiles(file, name, tests);
}

function pythonFiles(path: string, name: string, tests: string): { path: string; content: string }[] {
  const content = 'import sys\nimport solution\nsys.modules[__name__] = solution\n';
  const folder = dirname(path).replaceAll('/', '.');
  const imports = (module: string): boolean => {
    const text = escaped(module);
    return new RegExp(
      `^\\s*(?:from\\s+${text}\\s+import\\b|import\\s(?:.*[\\s,])?${text}(?![\\w.]))`,
      'm',
    ).test(tests);
  };
  const ofFolder = new RegExp(`^\\s*from\\s+${escaped(folder)}\\s+import\\s.*\\b${escaped(name)}\\b`, 'm');
  return [
    ...(imports(name) ? [{ path: basename(path), content }] : []),
    ...(folder !== '.' && (imports(`${folder}.${name}`) || ofFolder.test(tests)) ? [{ path, content }] : []),
  ];
}

/** Node tells the two kinds of modules by their syntax, and so does this. */
function nodeFiles(
  { path, language, code }: CodeFile,
  name: string,
  tests: string,
): { path: string; content: string }[] {
  if (!new RegExp(`['"\`]\\./${escaped(name)}(?:\\.[mc]?[jt]s)?['"\`]`).test(tests)) return [];
  const from = language === 'typescript' ? './solution.ts' : './solution.js';
  const isModule = path.endsWith('.mjs') || /^\s*(?:import|export)\b/m.test(code);
  const content = isModule
    ? `import * as all from '${from}';\nexport * from '${from}';\nexport default all.default;\n`
    : `module.exports = require('${from}');\n`;
  return [{ path: basename(path), content }];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
