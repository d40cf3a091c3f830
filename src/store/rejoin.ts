/** What was taken from an iterator, and then the rest of it. */
export async function* rejoin<T>(taken: T[], rest: AsyncIterator<T>): AsyncGenerator<T> {
  yield* taken.splice(0);
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
