// uses parameter properties, enums and generics
export class Stack<T> {
  constructor(private readonly items: T[] = []) {}
  push(item: T): void { this.items.push(item); }
  *[Symbol.iterator](): Iterator<T> { yield* this.items; }
}
