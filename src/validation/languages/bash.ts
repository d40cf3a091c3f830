import type { Language } from '../../domain/language.ts';
import type { Budget } from '../budget.ts';
import type { Emit } from '../events.ts';
import { type SyntaxNode, childOf, namedChildren, visitBottomUp } from '../syntax-tree.ts';
import { BashWords } from './bash-words.ts';

/** Commands that run the command after them, and those of their options that take a value. */
const WRAPPERS: Record<string, string> = {
  sudo: 'ugpCrthRT', doas: 'uC', env: 'uSC', nohup: '', nice: 'n', ionice: 'cn', time: 'fo', timeout: 'sk', command: '', builtin: '', exec: 'a', xargs: 'IinLPsdEa',
  busybox: '', setsid: '', stdbuf: 'ioe', watch: 'n', then: '', do: '', else: '', '!': '', chronic: '', unbuffer: '', flock: 'wE', parallel: 'j', strace: 'eo',
}; // prettier-ignore
const INLINE: Record<string, { readonly language: Language; readonly flag: RegExp }> = {
  ...Object.fromEntries(
    ['sh', 'bash', 'zsh', 'dash', 'ksh', 'ash'].map((name) => [
      name,
      { language: 'bash' as const, flag: /^-[a-z]*c$/ },
    ]),
  ),
  ...Object.fromEntries(
    ['python', 'python3', 'python2', 'pypy', 'pypy3', 'ipython'].map((name) => [
      name,
      { language: 'python' as const, flag: /^-[A-Za-z]*c$/ },
    ]),
  ),
  ...Object.fromEntries(
    ['node', 'nodejs', 'bun', 'deno'].map((name) => [
      name,
      { language: 'javascript' as const, flag: /^(?:-[a-z]*[ep]|--eval|--print|eval)$/ },
    ]),
  ),
};
/** Commands that look at a script and do not run it. */
const QUIET = new Set([
  'echo',
  'printf',
  'basename',
  'dirname',
  'cat',
  'readlink',
  'realpath',
  'sed',
  'grep',
  'head',
  'tail',
  'cd',
  'test',
  '[',
]);
const LOOPS = new Set(['while_statement', 'until_statement', 'c_style_for_statement', 'for_statement']);

/** Tells what commands a Bash script runs. */
export function examineBash(root: SyntaxNode, text: string, budget: Budget, emit: Emit): void {
  const words = new BashWords(text, budget);
  visitBottomUp(root, (node) => noteVariable(node, words));
  visitBottomUp(root, (node) => {
    switch (node.type) {
      case 'command':
      case 'ERROR':
        if (node.type === 'command' || node.children.some((child) => child.type === 'command_name'))
          examineCommand(node, words, budget, emit);
        return;
      case 'file_redirect':
        examineRedirect(node, words, emit);
        return;
      case 'function_definition':
        if (startsItself(node, words))
          emit({ on: 'oddity', what: 'A function that starts itself in the background', node });
        return;
      default:
    }
  });
}

function noteVariable(node: SyntaxNode, words: BashWords): void {
  if (node.type === 'variable_assignment') {
    const name = childOf(node, 'name');
    const value = childOf(node, 'value');
    if (name && value) words.assign(words.textOf(name), value);
  } else if (node.type === 'for_statement') {
    const name = childOf(node, 'variable');
    for (const child of node.children.slice(0, 64))
      if (name && child.field === 'value') words.assign(words.textOf(name), child);
  }
}

function examineCommand(node: SyntaxNode, words: BashWords, budget: Budget, emit: Emit): void {
  const nameNode = childOf(node, 'name') ?? node.children.find((child) => child.type === 'command_name');
  if (!nameNode) return;
  // The grammar takes a brace that opens a command's own name for a block.
  const expanded =
    words.text[node.start - 1] === '{'
      ? words.bareWord(words.text.slice(node.start - 1, node.end))[0]!
      : undefined;
  if (expanded && expanded.words.length > 1) emitCommand(expanded.words, true, node, words, emit);
  const alternatives = Math.max(
    ...node.children
      .slice(0, 16)
      .map((child) => (child.named && isWord(child) ? words.alternatives(child).length : 1)),
    1,
  );
  for (let choice = 0; choice < alternatives; choice++) {
    budget.spend();
    const all = words.wordsOf(node, choice);
    const found = words.alternatives(nameNode);
    emitCommand(all, found[Math.min(choice, found.length - 1)]!.built, node, words, emit);
  }
}

const isWord = (node: SyntaxNode): boolean =>
  node.field === 'name' || node.field === 'argument' || node.type === 'command_name';

function emitCommand(
  all: readonly string[],
  built: boolean,
  node: SyntaxNode,
  words: BashWords,
  emit: Emit,
): void {
  let rest = all;
  for (let level = 0; level < 6 && rest.length > 0; level++) {
    const name = rest[0]!.slice(rest[0]!.lastIndexOf('/') + 1);
    const args = rest.slice(1);
    const fedBy = feedersOf(node, words);
    if (
      rest.slice(0, 2).some((word) => /^\$\{?(?:0|BASH_SOURCE\S*)\}?$/.test(word)) &&
      !QUIET.has(name) &&
      isRepeated(node)
    )
      emit({ on: 'oddity', what: 'The script that starts itself without end', node });
    emit({ on: 'command', name, args, writesTo: [], readsFrom: [], built, fedBy, node });
    emitInline(name, args, node, words, emit);
    const inner = unwrap(name, args);
    if (!inner) return;
    rest = inner;
  }
}

/** The command that a wrapper such as `sudo` or `xargs` runs. */
function unwrap(name: string, args: readonly string[]): readonly string[] | undefined {
  if (!Object.hasOwn(WRAPPERS, name)) return name === 'find' ? afterExec(args) : undefined;
  const valued = WRAPPERS[name]!;
  let at = 0;
  while (at < args.length) {
    const arg = args[at]!;
    if (/^-[A-Za-z]$/.test(arg) && valued.includes(arg[1]!)) at += 2;
    else if (arg.startsWith('-') || /^\w+=/.test(arg)) at++;
    else break;
  }
  if (name === 'timeout' || name === 'flock') at++;
  return at < args.length ? args.slice(at) : undefined;
}

function afterExec(args: readonly string[]): readonly string[] | undefined {
  const at = args.findIndex((arg) => arg === '-exec' || arg === '-execdir');
  // The files found are those under the folder that the search begins in.
  return at < 0 ? undefined : args.slice(at + 1).map((arg) => (arg === '{}' ? (args[0] ?? arg) : arg));
}

function emitInline(
  name: string,
  args: readonly string[],
  node: SyntaxNode,
  words: BashWords,
  emit: Emit,
): void {
  const run = (language: Language, text: string | undefined): void => {
    if (text !== undefined && text !== '') emit({ on: 'embed', language, text, via: `\`${name}\``, node });
  };
  if (name === 'eval') run('bash', args.join(' '));
  if (name === 'trap' && args.length > 1) run('bash', args[0]);
  if (name === 'su' || name === 'watch' || name === 'script') {
    const flag = args.findIndex((arg) => arg === '-c' || arg === '--command');
    if (flag >= 0) run('bash', args[flag + 1]);
  }
  const inline = Object.hasOwn(INLINE, name) ? INLINE[name] : undefined;
  if (!inline) return;
  const flag = args.findIndex((arg) => inline.flag.test(arg));
  if (flag >= 0) run(inline.language, args[flag + 1]);
  else if (args.every((arg) => arg.startsWith('-'))) run(inline.language, inputOf(node, words));
}

/** The text that is fed into a command, where it can be told. */
function inputOf(node: SyntaxNode, words: BashWords): string | undefined {
  const own =
    words.fedText(node) ??
    (node.parent?.type === 'redirected_statement' ? words.fedText(node.parent) : undefined);
  if (own !== undefined) return own;
  const stage = node.parent?.type === 'redirected_statement' ? node.parent : node;
  if (stage.parent?.type !== 'pipeline') return undefined;
  const stages = namedChildren(stage.parent);
  let text = words.outputOf(stages[0]);
  for (const each of stages.slice(1, stages.indexOf(stage)))
    text = text === undefined ? undefined : words.filter(text, each);
  return text;
}

/** The names of the commands whose output a command is given, by a pipe or in its arguments. */
function feedersOf(node: SyntaxNode, words: BashWords): string[] {
  const names: string[] = [];
  let stage: SyntaxNode = node;
  for (let up = node.parent, level = 0; up && level < 12; stage = up, up = up.parent, level++) {
    if (up.type === 'pipeline') {
      for (const child of up.children) {
        if (child === stage || names.length > 64) break;
        if (child.named) names.push(...commandNames(child, words));
      }
    }
  }
  for (const child of node.children) {
    if (child.named && child.field === 'argument' && child.type !== 'word')
      names.push(...commandNames(child, words));
    if (child.type === 'command_name') names.push(...commandNames(child, words));
    if (child.type === 'file_redirect' || child.type === 'herestring_redirect')
      names.push(...commandNames(child, words));
  }
  if (node.parent?.type === 'redirected_statement' && node.parent.children.length <= 8) {
    for (const child of node.parent.children)
      if (child.field === 'redirect') names.push(...commandNames(child, words));
  }
  return names;
}

function commandNames(node: SyntaxNode, words: BashWords): string[] {
  const names: string[] = [];
  const open = [node];
  for (let next = open.pop(), seen = 0; next && seen < 400; next = open.pop(), seen++) {
    if (next.type === 'command') {
      const name = words.wordsOf(next)[0] ?? '';
      names.push(name.slice(name.lastIndexOf('/') + 1));
    }
    open.push(...next.children.slice(0, 40));
  }
  return names;
}

function examineRedirect(node: SyntaxNode, words: BashWords, emit: Emit): void {
  const text = words.textOf(node);
  const isRead = /^\d*<(?![>&])/.test(text);
  const targets = node.children
    .filter((child) => child.field === 'destination')
    .flatMap((child) => words.alternatives(child).map((word) => word.words.join(' ')));
  if (targets.length === 0) return;
  if (targets.some((target) => /^\/dev\/(?:tcp|udp)\//.test(target)))
    emit({ on: 'oddity', what: 'A connection opened by /dev/tcp', node });
  emit({
    on: 'command',
    name: isRead ? '<' : '>',
    args: [],
    writesTo: isRead ? [] : targets,
    readsFrom: isRead ? targets : [],
    built: false,
    fedBy: [],
    node,
  });
  const isOutside = (target: string): boolean =>
    target.startsWith('/') && !/^\/(?:tmp\/|home\/user\/|dev\/(?:null|stdout|stderr|tty|fd\/))/.test(target);
  if (!isRead && targets.some(isOutside))
    emit({ on: 'oddity', what: 'A redirection outside the working folder', node });
}

/** A fork bomb: a function that pipes into itself, or puts itself into the background. */
function startsItself(node: SyntaxNode, words: BashWords): boolean {
  const nameNode = childOf(node, 'name');
  const body = childOf(node, 'body');
  if (!nameNode || !body) return false;
  const name = words.textOf(nameNode);
  const open = [body];
  for (let next = open.pop(), seen = 0; next && seen < 2_000; next = open.pop(), seen++) {
    if (next.type === 'command' && words.wordsOf(next)[0] === name) {
      const top = next.parent?.type === 'pipeline' ? next.parent : next;
      const after = words.text.slice(top.end, top.end + 20);
      const piped =
        next.parent?.type === 'pipeline' &&
        namedChildren(next.parent).filter((stage) => words.wordsOf(stage)[0] === name).length > 1;
      if (piped || /^\s*\)?\s*&(?!&)/.test(after)) return true;
    }
    open.push(...next.children.slice(0, 200));
  }
  return false;
}

function isRepeated(node: SyntaxNode): boolean {
  let up = node.parent;
  for (let level = 0; up && level < 16; level++, up = up.parent) if (LOOPS.has(up.type)) return true;
  const after = node.parent?.children[node.parent.children.indexOf(node) + 1];
  return after?.type === '&';
}
