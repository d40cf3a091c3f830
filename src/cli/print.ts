/** Prints a part of something long, no faster than it is read. Where nobody reads any more it waits for ever: the command is interrupted. */
export async function printPart(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await new Promise<void>((done) => process.stdout.once('drain', done));
}

/** Prints a result on stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
