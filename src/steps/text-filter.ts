/* oxlint-disable no-control-regex -- control characters are what this file is about */
const MASK = '[secret masked]';
/** Text that may still turn out to be the beginning of a secret is held back up to this many characters. */
const HOLD_CHARS = 4096;

const SECRETS = [
  /\be2b_[0-9A-Za-z]{16,}/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  /\b(?:gh[pousr]_[0-9A-Za-z]{20,}|github_pat_[0-9A-Za-z_]{20,})/g,
  /\bsk-(?:[\w-]*-)?[0-9A-Za-z_]{20,}/g,
  /\bxox[abpr]-[0-9A-Za-z-]{10,}/g,
  /\bAIza[0-9A-Za-z_-]{35}/g,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g,
];
const BEARER = /\b(Bearer\s+)[\w.~+/=-]{16,}/gi;
const PEM_BEGIN = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/;
const PEM_END = /-----END [A-Z0-9 ]*PRIVATE KEY-----/;
/** What a terminal would obey: CSI and OSC sequences and other escapes. */
const ESCAPES =
  /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[PX^_][^\u001B]*\u001B\\|[ -/]*[0-~])|\u009B[0-?]*[ -/]*[@-~]/g;
const CONTROLS = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/g;

/**
 * Masks secrets and removes what a terminal would obey, in a text that comes in pieces: `push` gives what is certain so far, `end`
 * the rest. Terminal sequences are removed, other control characters (all but line break, tab, carriage return) become U+FFFD.
 */
export class TextFilter {
  #pending = '';
  #inKey = false;
  readonly #known: string[];

  /** `known` are secrets by their value, such as the API key in use. */
  constructor(known: readonly string[] = knownSecrets()) {
    this.#known = known.filter((secret) => secret.length >= 8);
  }

  push(piece: string): string {
    this.#pending += piece;
    const until = holdFrom(this.#pending);
    const ready = this.#pending.slice(0, until);
    this.#pending = this.#pending.slice(until);
    return this.#clean(ready);
  }

  end(): string {
    const rest = this.#pending;
    this.#pending = '';
    return this.#clean(rest);
  }

  #clean(text: string): string {
    let clean = text.replace(ESCAPES, '').replace(CONTROLS, '\uFFFD');
    clean = this.#withoutKeys(clean);
    for (const secret of this.#known) clean = clean.replaceAll(secret, MASK);
    for (const pattern of SECRETS) clean = clean.replace(pattern, MASK);
    return clean.replace(BEARER, `$1${MASK}`);
  }

  /** Private keys span lines: everything from their first line to their last is left out. */
  #withoutKeys(text: string): string {
    let kept = '';
    let rest = text;
    for (;;) {
      const match = (this.#inKey ? PEM_END : PEM_BEGIN).exec(rest);
      if (!this.#inKey) kept += match ? rest.slice(0, match.index) + MASK : rest;
      if (!match) return kept;
      rest = rest.slice(match.index + match[0].length);
      this.#inKey = !this.#inKey;
    }
  }
}

/** Cleans a whole text at once. */
export function filterText(text: string): string {
  const filter = new TextFilter();
  return filter.push(text) + filter.end();
}

/** Where the last word begins, with what may belong to it (`Bearer …`, the first line of a key). */
function holdFrom(text: string): number {
  const start = Math.max(0, text.length - HOLD_CHARS);
  const tail = text.slice(start);
  const word =
    /(?:-----(?:BEGIN|END)[A-Z0-9 ]*-*|Bearer\s+\S*|Bearer|\u001B[\]PX^_][^\u0007\u001B]*|\S+)$/i.exec(tail);
  if (!word) return text.length;
  // A word without an end, such as a megabyte of `x`, is let go but for what a secret could need.
  return word.index === 0 && start > 0 ? text.length - 512 : start + word.index;
}

function knownSecrets(): string[] {
  return ['E2B_API_KEY', 'E2B_ACCESS_TOKEN', 'TEMPORAL_API_KEY'].flatMap((name) => process.env[name] ?? []);
}
