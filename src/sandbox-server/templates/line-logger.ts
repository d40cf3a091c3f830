import { StringDecoder } from 'node:string_decoder';

const MAX_LINE = 10_000;

/** Cuts what a program prints into lines of a bounded length and hands each on. */
export class LineLogger {
  /** The last line so far. */
  last = '';
  #say: (line: string) => void;
  #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  push(bytes: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) this.#emit(line);
  }

  /** Hands on what came after the last line break. */
  end(): void {
    if (this.#rest !== '') this.#emit(this.#rest);
  }

  #emit(line: string): void {
    this.last = line.slice(0, MAX_LINE);
    this.#say(this.last);
  }
}
