import { closeSync, writeSync } from 'node:fs';
import type { OutputText } from '../domain/job-result.ts';
import { Spool } from '../store/spool.ts';
import type { Store } from '../store/store.ts';
import { TextFilter } from './text-filter.ts';

/** The whole of a stream is kept up to here; a run that prints more is stopped. In UTF-16 units. */
export const WHOLE_OUTPUT_CHARS = 64 * 1024 * 1024;

/**
 * Takes an output stream in pieces, with flat memory: its head and tail stay in memory, the whole goes to a temporary file as
 * soon as it is longer than the limit. `end` or `discard` must be called.
 */
export class OutputKeeper {
  readonly #headChars: number;
  readonly #tailChars: number;
  readonly #filter = new TextFilter();
  #head = '';
  #tail = '';
  #total = 0;
  #spool: Spool | undefined;
  readonly #wholeChars: number;

  constructor(limitChars: number, wholeChars: number = WHOLE_OUTPUT_CHARS) {
    this.#headChars = Math.ceil(limitChars / 2);
    this.#tailChars = limitChars - this.#headChars;
    this.#wholeChars = wholeChars;
  }

  /** Whether more has come than is kept. */
  get overflowed(): boolean {
    return this.#total > this.#wholeChars;
  }

  /** What is known of the end so far: for finding out what went wrong. */
  get tail(): string {
    return (this.#head + this.#tail).slice(-8192);
  }

  push(piece: string): void {
    this.#add(this.#filter.push(piece));
  }

  async end(store: Store): Promise<OutputText> {
    this.#add(this.#filter.end());
    const limit = this.#headChars + this.#tailChars;
    if (this.#total <= limit) {
      this.discard();
      return { text: this.#head + this.#tail, truncated: false, totalChars: this.#total };
    }
    const spool = this.#spool!;
    this.#spool = undefined;
    closeSync(spool.writeFd);
    const whole = spool.read();
    try {
      const ref = await store.put(whole);
      const tail = this.#tail.slice(this.#tail.length - this.#tailChars);
      const note = `… (truncated ${this.#total - limit} characters) …`;
      const text = [wholeCharacters(this.#head), note, wholeCharacters(tail)]
        .filter((part) => part !== '')
        .join('\n');
      return { text, truncated: true, totalChars: this.#total, ref };
    } finally {
      whole.destroy();
    }
  }

  /** Lets go of everything. */
  discard(): void {
    if (!this.#spool) return;
    closeSync(this.#spool.writeFd);
    this.#spool.close();
    this.#spool = undefined;
  }

  #add(text: string): void {
    if (text === '') return;
    const before = this.#total;
    this.#total += text.length;
    if (this.#total > this.#headChars + this.#tailChars && !this.#spool) this.#startSpool();
    if (this.#spool && before <= this.#wholeChars)
      writeSync(this.#spool.writeFd, text.slice(0, this.#wholeChars - before));
    const room = this.#headChars - this.#head.length;
    if (room > 0) this.#head += text.slice(0, room);
    const rest = room > 0 ? text.slice(room) : text;
    if (rest === '') return;
    this.#tail += rest;
    // Cut seldom: each cut copies the tail.
    if (this.#tail.length > 2 * this.#tailChars + 65_536)
      this.#tail = this.#tail.slice(this.#tail.length - this.#tailChars);
  }

  #startSpool(): void {
    this.#spool = new Spool();
    writeSync(this.#spool.writeFd, this.#head + this.#tail);
  }
}

/** A cut may fall into a surrogate pair; its half is of no use to anyone. */
function wholeCharacters(text: string): string {
  return text.replace(/^[\uDC00-\uDFFF]/, '').replace(/[\uD800-\uDBFF]$/, '');
}
