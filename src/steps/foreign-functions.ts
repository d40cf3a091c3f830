import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

let read: Uint8Array<ArrayBuffer> | null | undefined;

/** Koffi's library for a sandbox on a machine like this one. Undefined where there is none: Node then starts anew for each run. */
export function foreignFunctionInterface(): Uint8Array<ArrayBuffer> | undefined {
  if (read === undefined) {
    const platform = `linux-${process.arch}`;
    try {
      // The package of the platform is no dependency of ours but of Koffi's.
      const koffi = createRequire(createRequire(import.meta.url).resolve('koffi'));
      const index = koffi.resolve(`@koromix/koffi-${platform}`);
      read = new Uint8Array(
        readFileSync(new URL(`${platform.replace('-', '_')}/koffi.node`, `file://${index}`)),
      );
    } catch {
      read = null;
    }
  }
  return read ?? undefined;
}
