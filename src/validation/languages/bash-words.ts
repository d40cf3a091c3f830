import { type Budget, LIMITS } from '../budget.ts';
import { type SyntaxNode, childOf, namedChildren } from '../syntax-tree.ts';
import { decode, slice } from '../text-folding.ts';
import { singleText, textValue } from '../values.ts';

/** What a word of a script may be: its words after splitting, and whether it was put together from pieces. */
export interface Word {
  readonly words: readonly string[];
  readonly built: boolean;
}

const BRACES = /^([^{}$"'`]*)\{([^{}$"'`]*,[^{}$"'`]*)\}([^{}$"'`]*)$/;
const MOST_ALTERNATIVES = 8;
const ESCAPES: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const SPLITTING = new Set(['simple_expansion', 'expansion', 'command_substitution']);

/** Works out words of a script from its variables and from what `echo`, `printf` and decoders would print; runs nothing. */
export class BashWords {
  readonly text: string;
  readonly #budget: Budget;
  readonly #variables = new Map<string, SyntaxNode[]>();
  readonly #known = new Map<SyntaxNode, readonly Word[]>();
  #depth = 0;

  constructor(text: string, budget: Budget) {
    this.text = text;
    this.#budget = budget;
  }

  textOf(node: SyntaxNode): string {
    return this.text.slice(node.start, node.end);
  }

  /** Notes a value that a variable may have. */
  assign(name: string, value: SyntaxNode): void {
    const list = this.#variables.get(name);
    if (!list) this.#variables.set(name, [value]);
    else if (list.length < 32) list.push(value);
  }

  /** The alternatives for a word, at least one; what is not known stands as it is written. */
  alternatives(node: SyntaxNode): readonly Word[] {
    const known = this.#known.get(node);
    if (known) return known;
    this.#budget.spend();
    if (this.#depth >= 60) return [{ words: [this.textOf(node)], built: false }];
    this.#known.set(node, [{ words: [this.textOf(node).slice(0, 200)], built: false }]);
    this.#depth++;
    const found = this.#compute(node).slice(0, MOST_ALTERNATIVES);
    this.#depth--;
    this.#known.set(node, found);
    return found;
  }

  /** The first alternative as one text. */
  textOfWord(node: SyntaxNode): string {
    return this.alternatives(node)[0]!.words.join(' ');
  }

  #compute(node: SyntaxNode): readonly Word[] {
    const plain = (text: string, built = false): Word[] => [{ words: [text], built }];
    switch (node.type) {
      case 'word':
      case 'number':
        return this.bareWord(this.textOf(node));
      case 'raw_string':
        return plain(this.textOf(node).slice(1, -1));
      case 'ansi_c_string':
        return plain(decodeAnsi(this.textOf(node).slice(2, -1)), true);
      case 'string':
        return this.#quoted(node);
      case 'concatenation':
        return BRACES.test(this.textOf(node))
          ? this.bareWord(this.textOf(node))
          : this.#join(node.children, true);
      case 'command_name':
        return this.alternatives(node.children[0] ?? { ...node, type: 'word' });
      case 'simple_expansion':
      case 'expansion':
        return this.#expansion(node);
      case 'command_substitution': {
        const output = this.outputOf(namedChildren(node)[0]);
        return output === undefined
          ? plain(this.textOf(node))
          : [{ words: split(output.replace(/\n+$/, '')), built: true }];
      }
      default:
        return plain(this.textOf(node).slice(0, LIMITS.textChars));
    }
  }

  /** An unquoted word: braces expanded, backslashes gone. */
  bareWord(text: string): readonly Word[] {
    const braces = text.length < 2_000 ? BRACES.exec(text) : null;
    if (braces)
      return [{ words: braces[2]!.split(',').map((part) => braces[1]! + part + braces[3]!), built: true }];
    const bare = text.replaceAll(/\\(?:\r?\n|(.))/gs, (_, char?: string) => char ?? '');
    return [{ words: [bare], built: /\w\\\w/.test(text) }];
  }

  #quoted(node: SyntaxNode): readonly Word[] {
    const parts = namedChildren(node);
    if (parts.length === 0) return [{ words: [this.textOf(node).slice(1, -1)], built: false }];
    if (parts.length === 1 && parts[0]!.type === 'string_content') {
      return [
        {
          words: [
            this.textOf(node)
              .slice(1, -1)
              .replaceAll(/\\([$`"\\])/g, '$1'),
          ],
          built: false,
        },
      ];
    }
    return this.#join(parts, false);
  }

  /** Puts pieces together; an unquoted expansion is split into words. */
  #join(parts: readonly SyntaxNode[], splits: boolean): readonly Word[] {
    let all: Word[] = [{ words: [''], built: parts.length > 1 }];
    for (const part of parts) {
      const found = this.alternatives(part);
      const next: Word[] = [];
      for (const left of all) {
        for (const right of found) {
          if (next.length >= MOST_ALTERNATIVES) break;
          const isSplit = splits && (SPLITTING.has(part.type) || right.words.length > 1);
          const words = isSplit
            ? right.words.flatMap((word) => splitKeepingEdges(word))
            : [right.words.join(' ')];
          const joined = [
            ...left.words.slice(0, -1),
            `${left.words.at(-1) ?? ''}${words[0] ?? ''}`,
            ...words.slice(1),
          ];
          if (joined.join('').length <= LIMITS.textChars)
            next.push({ words: joined, built: left.built || right.built });
        }
      }
      all = next;
    }
    const tidied = all.map((word) => ({
      ...word,
      words: word.words.length > 1 ? word.words.filter((each) => each !== '') : word.words,
    }));
    return tidied.length > 0 ? tidied : [{ words: ['$?'], built: false }];
  }

  #expansion(node: SyntaxNode): readonly Word[] {
    const text = this.textOf(node);
    const parts = /^\$\{?(!?)(\w+)([\s\S]*?)\}?$/.exec(text);
    if (!parts || text.length > 2_000) return [{ words: [text], built: false }];
    const [, indirect, name, rest] = parts as unknown as [string, string, string, string];
    if (name === 'IFS' && !this.#variables.has(name)) return [{ words: [' '], built: true }];
    const values = this.#variables.get(name) ?? [];
    let found = values.flatMap((value) => this.alternatives(value));
    if (indirect === '!')
      found = found.flatMap((word) =>
        (this.#variables.get(word.words.join(' ')) ?? []).flatMap((value) => this.alternatives(value)),
      );
    if (found.length === 0) {
      const fallback = /^:?[-=](.*)$/s.exec(rest)?.[1];
      return [{ words: [fallback ?? text], built: false }];
    }
    return found
      .map((word) => ({ words: [modify(word.words.join(' '), rest)], built: word.built || rest !== '' }))
      .flatMap((word) => [{ words: split(word.words[0]!), built: word.built }]);
  }

  /** What a command or pipeline prints, where that can be told without running it. */
  outputOf(node: SyntaxNode | undefined): string | undefined {
    if (!node || this.#depth > 60) return undefined;
    if (node.type === 'pipeline') {
      const stages = namedChildren(node);
      let text = this.outputOf(stages[0]);
      for (const stage of stages.slice(1)) text = text === undefined ? undefined : this.filter(text, stage);
      return text;
    }
    if (node.type === 'redirected_statement') {
      const body = childOf(node, 'body');
      const fed = this.fedText(node);
      return body && fed !== undefined ? this.filter(fed, body) : this.outputOf(body);
    }
    if (node.type !== 'command') return undefined;
    const fed = this.fedText(node);
    if (fed !== undefined) return this.filter(fed, node);
    const [name, ...args] = this.wordsOf(node);
    if (name === 'echo') {
      const flags = /^-[neE]+$/.test(args[0] ?? '') ? args[0]! : '';
      const text = args.slice(flags === '' ? 0 : 1).join(' ');
      return flags.includes('e') ? decodeAnsi(text) : text;
    }
    if (name === 'printf') return formatPrintf(args);
    if (name === 'which' || (name === 'command' && args[0] === '-v')) return args.at(-1);
    return undefined;
  }

  /** The text that a here-document or here-string feeds into a command. */
  fedText(node: SyntaxNode): string | undefined {
    for (const child of node.children) {
      if (child.type === 'herestring_redirect') {
        const word = namedChildren(child)[0];
        return word && this.textOfWord(word);
      }
      if (child.type === 'heredoc_redirect') {
        const body = child.children.find((part) => part.type === 'heredoc_body');
        return body && this.textOf(body);
      }
    }
    return undefined;
  }

  /** What a filter makes of its input; undefined when that is not known. */
  filter(input: string, node: SyntaxNode): string | undefined {
    if (node.type !== 'command') return undefined;
    const [name, ...args] = this.wordsOf(node);
    const folded = (how: string): string | undefined => singleText(decode(how, [textValue(input)]))?.text;
    const decodes = args.some((arg) => /^(?:-d|-D|--decode|-di|-id)$/.test(arg));
    switch (name) {
      case 'cat':
      case 'tee':
        return input;
      case 'base64':
        return decodes ? folded('base64') : undefined;
      case 'base32':
        return decodes ? folded('base32') : undefined;
      case 'openssl':
        return args.includes('-d') && /base64/.test(args.join(' ')) ? folded('base64') : undefined;
      case 'xxd':
        return args.some((arg) => /^-\w*r/.test(arg)) ? folded('hex') : undefined;
      case 'rev':
        return singleText(slice([textValue(input)], undefined, undefined, -1))?.text;
      case 'tr':
        return translate(input, args);
      default:
        return undefined;
    }
  }

  /** The words of a command: its name and its arguments. */
  wordsOf(command: SyntaxNode, choice = 0): string[] {
    const words: string[] = [];
    for (const child of command.children) {
      if (child.field !== 'name' && child.field !== 'argument' && child.type !== 'command_name') continue;
      const found = this.alternatives(child);
      words.push(...found[Math.min(choice, found.length - 1)]!.words);
      if (words.length > LIMITS.listItems) break;
    }
    return words;
  }
}

const split = (text: string): string[] => {
  const words = text.split(/[ \t\n]+/).filter((word) => word !== '');
  return words.length > 0 ? words.slice(0, 256) : [text];
};

/** Splits, with an empty word where the text begins or ends with space, so that its neighbours stay apart. */
function splitKeepingEdges(text: string): string[] {
  return text.split(/[ \t\n]+/).slice(0, 256);
}

function decodeAnsi(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|0?([0-7]{1,3})|(.))/gs,
    (whole, x?: string, u?: string, octal?: string, char?: string) => {
      if (x ?? u) return String.fromCharCode(Number.parseInt((x ?? u)!, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      return ESCAPES[char ?? ''] ?? whole;
    },
  );
}

function formatPrintf(args: readonly string[]): string {
  const [format = '', ...rest] = args[0] === '--' ? args.slice(1) : args;
  let at = 0;
  const one = (): string =>
    decodeAnsi(format).replace(/%(?:b|s|c|d)/g, (kind) =>
      kind === '%b' ? decodeAnsi(rest[at++] ?? '') : (rest[at++] ?? ''),
    );
  let text = one();
  while (at > 0 && at < rest.length && text.length < LIMITS.textChars) text += one();
  return text;
}

function modify(value: string, rest: string): string {
  const part = /^:\s*(-?\d+)(?::(-?\d+))?$/.exec(rest);
  if (part) {
    const start = Number(part[1]);
    const from = start < 0 ? value.length + start : start;
    return part[2] === undefined
      ? value.slice(from)
      : value.slice(from, Number(part[2]) < 0 ? Number(part[2]) : from + Number(part[2]));
  }
  const replaced = /^(\/\/?)([^/]*)\/?(.*)$/s.exec(rest);
  if (replaced && replaced[2] !== '' && replaced[3]!.length * value.length < LIMITS.textChars) {
    return replaced[1] === '//'
      ? value.replaceAll(replaced[2]!, () => replaced[3]!)
      : value.replace(replaced[2]!, () => replaced[3]!);
  }
  if (rest.startsWith('^^')) return value.toUpperCase();
  if (rest.startsWith(',,')) return value.toLowerCase();
  return value;
}

function translate(input: string, args: readonly string[]): string | undefined {
  if (args[0] === '-d')
    return args[1] === undefined
      ? undefined
      : [...input].filter((char) => !spread(args[1]!).includes(char)).join('');
  const [from, to] = [spread(args[0] ?? ''), spread(args[1] ?? '')];
  if (from.length === 0 || to.length === 0) return undefined;
  return [...input]
    .map((char) => (from.includes(char) ? to[Math.min(from.indexOf(char), to.length - 1)]! : char))
    .join('');
}

function spread(set: string): string {
  return set.replace(/(.)-(.)/g, (whole, low: string, high: string) => {
    const [a, b] = [low.charCodeAt(0), high.charCodeAt(0)];
    return b >= a && b - a < 256
      ? Array.from({ length: b - a + 1 }, (_, at) => String.fromCharCode(a + at)).join('')
      : whole;
  });
}
