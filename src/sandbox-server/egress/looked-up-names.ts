const MAX_ADDRESSES = 2_048;
const MAX_NAMES_OF_ONE = 16;

/** What the names that a sandbox looked up stood for: its rules are of names, its connections go to addresses. */
export class LookedUpNames {
  #names = new Map<string, string[]>();

  /** The oldest are forgotten where it gets too many. */
  add(name: string, address: string): void {
    const known = (this.#names.get(address) ?? []).filter((each) => each !== name);
    this.#names.delete(address);
    this.#names.set(address, [...known, name].slice(-MAX_NAMES_OF_ONE));
    const [oldest] = this.#names.keys();
    if (this.#names.size > MAX_ADDRESSES && oldest !== undefined) this.#names.delete(oldest);
  }

  /** The names whose address this was said to be. */
  of(address: string): string[] {
    return this.#names.get(address) ?? [];
  }
}
