import type { CallArguments, Evaluator } from '../evaluator.ts';
import { type SyntaxNode, childOf, namedChildren } from '../syntax-tree.ts';
import { itemAt } from '../text-folding.ts';
import { UNKNOWN, type Values, itemsOf, only, pathValue, singleText, union } from '../values.ts';

const MODULE_ALIASES: ReadonlyMap<string, string> = new Map([
  ['posix', 'os'], ['nt', 'os'], ['_io', 'io'], ['__builtins__', 'builtins'], ['_socket', 'socket'], ['_pickle', 'pickle'], ['cPickle', 'pickle'],
  ['dill', 'pickle'], ['cloudpickle', 'pickle'], ['subprocess32', 'subprocess'], ['_posixsubprocess', 'subprocess'], ['posixpath', 'os.path'],
  ['multiprocess', 'multiprocessing'], ['_thread', 'threading'], ['popen2', 'subprocess'],
]); // prettier-ignore
/** Modules that others hold as an attribute: `random._os` is `os`. */
const HOPS: ReadonlyMap<string, string> = new Map([
  ['os', 'os'], ['_os', 'os'], ['sys', 'sys'], ['_sys', 'sys'], ['subprocess', 'subprocess'], ['builtins', 'builtins'], ['__builtins__', 'builtins'],
  ['importlib', 'importlib'], ['ctypes', 'ctypes'], ['socket', 'socket'], ['shutil', 'shutil'], ['pty', 'pty'], ['posix', 'os'],
]); // prettier-ignore

/** The shortest name of a Python path: modules through other modules, builtins without their module. */
export function canonicalPython(path: string): string {
  let segments = path.split('.');
  const alias = MODULE_ALIASES.get(segments[0]!);
  if (alias) segments = [...alias.split('.'), ...segments.slice(1)];
  if (segments[0] !== '?' && segments[0] !== '') {
    for (let index = segments.length - 1; index > 0; index--) {
      const hop = HOPS.get(segments[index]!);
      if (hop && segments[index - 1] !== hop) {
        segments = [hop, ...segments.slice(index + 1)];
        break;
      }
    }
  }
  if (segments[0] === 'builtins' && segments.length > 1) segments.shift();
  if (segments[0] === 'io' && segments[1] === 'open') segments.shift();
  return segments.join('.');
}

/** The arguments of a call by position and by name. */
export function argumentsOf(call: SyntaxNode, evaluator: Evaluator): CallArguments {
  const list = childOf(call, 'arguments');
  const named = new Map<string, SyntaxNode>();
  const positional: SyntaxNode[] = [];
  if (list?.type === 'generator_expression') positional.push(list);
  else if (list) {
    for (const child of namedChildren(list)) {
      const name = child.type === 'keyword_argument' ? childOf(child, 'name') : undefined;
      const value = name ? childOf(child, 'value') : undefined;
      if (name && value) named.set(evaluator.textOf(name), value);
      else positional.push(child);
    }
  }
  return { positional, named };
}

/** `base[key]`, where the base may be a dictionary of a module's or the interpreter's names. */
export function itemOf(base: Values, key: Values, evaluator: Evaluator): Values {
  const name = singleText(key);
  return union(
    base.map((value) => {
      if (value.kind === 'path') {
        if (name && key[0]!.kind === 'text') {
          const space = /^(.*)\.__dict__$/.exec(value.path)?.[1];
          if (space) return evaluator.member([pathValue(space, value.built)], name.text, name.built);
          if (isNamespace(value.path)) {
            return evaluator
              .lookUpGlobal(name.text)
              .map((found) => (found.kind === 'path' && name.built ? { ...found, built: true } : found));
          }
          if (value.path === 'builtins') return [pathValue(canonicalPython(name.text), name.built)];
        }
        return only(pathValue(`${value.path}[]`, value.built));
      }
      if (value.kind === 'dict') return name ? (value.entries.get(name.text) ?? UNKNOWN) : UNKNOWN;
      const at = key.length === 1 && key[0]!.kind === 'number' ? key[0]!.value : undefined;
      return at === undefined ? union(itemsOf([value])?.slice(0, 16) ?? []) : itemAt([value], at);
    }),
  );
}

function isNamespace(path: string): boolean {
  return path === 'globals()' || path === 'locals()' || path === 'vars()' || path === 'sys.modules' || path.endsWith('.__globals__') || path.endsWith('.f_globals') || path.endsWith('.f_builtins'); // prettier-ignore
}
