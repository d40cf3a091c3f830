import { createHash } from 'node:crypto';

const FIRST_SLOTS = 1024;

/** Which ids were seen, and in which line, in some 24 bytes an id: a million of them cost what a photo does. */
export class IdTable {
  #high = new Uint32Array(FIRST_SLOTS);
  #low = new Uint32Array(FIRST_SLOTS);
  #lines = new Uint32Array(FIRST_SLOTS);
  #size = 0;

  /** Notes the id. Returns the line in which it was seen before, if it was. Lines count from 1. */
  add(id: string, line: number): number | undefined {
    const digest = createHash('sha1').update(id).digest();
    if (this.#size * 2 >= this.#lines.length) this.#grow();
    return this.#put(digest.readUInt32LE(0), digest.readUInt32LE(4), line);
  }

  #put(high: number, low: number, line: number): number | undefined {
    const mask = this.#lines.length - 1;
    let slot = low & mask;
    while (this.#lines[slot] !== 0) {
      if (this.#high[slot] === high && this.#low[slot] === low) return this.#lines[slot];
      slot = (slot + 1) & mask;
    }
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#lines[slot] = line;
    this.#size += 1;
    return undefined;
  }

  #grow(): void {
    const [high, low, lines] = [this.#high, this.#low, this.#lines];
    this.#high = new Uint32Array(lines.length * 2);
    this.#low = new Uint32Array(lines.length * 2);
    this.#lines = new Uint32Array(lines.length * 2);
    this.#size = 0;
    for (const [slot, line] of lines.entries()) if (line !== 0) this.#put(high[slot]!, low[slot]!, line);
  }
}
