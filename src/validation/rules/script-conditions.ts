import type { CallEvent } from '../events.ts';
import type { SyntaxNode } from '../syntax-tree.ts';
import { childOf } from '../syntax-tree.ts';
import { pathsOf, textsOf } from '../values.ts';
import {
  isSecretPath,
  isSystemPath,
  isUserList,
  isVital,
  namesMetadataService,
  namesMining,
  someText,
} from './places.ts';

/** Conditions on calls that Python, JavaScript and TypeScript share. */
const everyArg = (event: CallEvent): readonly string[] =>
  [...event.args, ...event.named.values()].flatMap(textsOf);

export const opensSecret = (event: CallEvent): boolean =>
  event.args.slice(0, 2).some((arg) => someText(arg, isSecretPath));
export const opensUserList = (event: CallEvent): boolean =>
  event.args.slice(0, 2).some((arg) => someText(arg, isUserList));
export const touchesSystem = (event: CallEvent): boolean =>
  event.args.slice(0, 2).some((arg) => someText(arg, isSystemPath));
export const removesVital = (event: CallEvent): boolean => someText(event.args[0], isVital);
export const asksMetadata = (event: CallEvent): boolean => {
  const hosts = event.args.flatMap((arg) =>
    arg.flatMap((value) => (value.kind === 'list' ? value.items.flatMap(textsOf) : [])),
  );
  return [...everyArg(event), ...hosts].some(namesMetadataService);
};
export const mines = (event: CallEvent): boolean => everyArg(event).some(namesMining);

/** True for a mode that writes, wherever the call takes it. */
export const opensForWriting = (event: CallEvent): boolean => {
  const modes = [
    ...textsOf(event.named.get('mode') ?? []),
    ...event.args.slice(event.path.startsWith('?.') ? 0 : 1, 2).flatMap(textsOf),
  ];
  return modes.some((mode) => /^[rwaxbt+]{1,4}$/.test(mode) && /[wax+]/.test(mode));
};
export const writesSystem = (event: CallEvent): boolean => touchesSystem(event) && opensForWriting(event);

const NETWORK =
  /^(?:requests|urllib|urllib3|httpx|aiohttp|http|https|socket|net|fetch|axios|got|node-fetch|undici)(?:\.|\(|$)/;
const DECODED =
  /^(?:base64|binascii|zlib|gzip|bz2|lzma|marshal|codecs|atob|unescape|decodeURIComponent|Buffer|bytes|bytearray|zlib)\b.*\(\)/;

/** True when what is run comes from the network. */
export const runsRemote = (event: CallEvent): boolean =>
  pathsOf(event.args[0] ?? []).some((path) => NETWORK.test(path) && path.includes('()'));

/** True when nobody can read in the source what is run. */
export const runsHidden = (event: CallEvent): boolean =>
  (event.args[0] ?? []).some((value) =>
    value.kind === 'text'
      ? value.decoded && value.text.length > 1
      : value.kind === 'path' && DECODED.test(value.path),
  );

/** True for a process id that belongs to others: init, every process, the parent. */
export const killsOthers = (event: CallEvent): boolean =>
  (event.args[0] ?? []).some(
    (value) =>
      (value.kind === 'number' && (value.value === 1 || value.value === -1)) ||
      (value.kind === 'path' && /^(?:os\.getppid\(\)|process\.ppid)$/.test(value.path)),
  );

/** True inside a loop without an end, and in a function that calls itself. */
export function isEndless({ node }: { node: SyntaxNode }, text: string): boolean {
  let up = node.parent;
  for (let level = 0; up && level < 64; level++, up = up.parent) {
    const condition = childOf(up, 'condition');
    if ((up.type === 'while_statement' || up.type === 'do_statement') && condition) {
      const plain = text.slice(condition.start, condition.end).replaceAll(/[()\s]/g, '');
      if (
        /^(?:True|1|true|!0|notFalse|!false|os\.fork|os\.fork>=0|os\.fork>-1|[1-9]\d*)$/.test(plain) &&
        !leaves(up, text)
      )
        return true;
    }
    if (up.type === 'for_statement' && up.children.some((child) => child.type === ';' || child.type === 'empty_statement') && /^for\s*\(\s*;\s*;/.test(text.slice(up.start, up.start + 40))) return !leaves(up, text); // prettier-ignore
    if (
      up.type === 'for_statement' &&
      /^for\s+\w+\s+in\s+(?:itertools\.)?(?:count|repeat|cycle)\(/.test(text.slice(up.start, up.start + 80))
    )
      return !leaves(up, text);
    if (FUNCTIONS.has(up.type)) return callsItself(up, text);
  }
  return false;
}

const leaves = (loop: SyntaxNode, text: string): boolean => /(?<![\w.])(?:break|return|raise|throw)(?!\w)/.test(text.slice(loop.start, Math.min(loop.end, loop.start + 5_000))); // prettier-ignore

const FUNCTIONS = new Set(['function_definition', 'function_declaration']);

function callsItself(fn: SyntaxNode, text: string): boolean {
  const name = childOf(fn, 'name');
  if (!name) return false;
  const own = text.slice(name.start, name.end);
  const open = [...fn.children];
  for (let node = open.pop(), seen = 0; node && seen < 2_000; node = open.pop(), seen++) {
    const callee =
      node.type === 'call' || node.type === 'call_expression' ? childOf(node, 'function') : undefined;
    if (callee?.type === 'identifier' && text.slice(callee.start, callee.end) === own) return true;
    open.push(...node.children.slice(0, 200));
  }
  return false;
}
