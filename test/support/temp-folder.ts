import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives a run of tests a temporary folder of its own, and removes it with all that tests have left there, which is told. */
export default function setup(): (() => void) | undefined {
  // Each project asks for it; they share one.
  if (process.env['ASSAY_TEST_TMPDIR'] !== undefined) return undefined;
  const before = process.env['TMPDIR'];
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-test-')));
  process.env['ASSAY_TEST_TMPDIR'] = process.env['TMPDIR'] = folder;
  return () => {
    const left = readdirSync(folder);
    if (left.length > 0) console.warn(`left in the temporary folder, removed now: ${left.join(' ')}`);
    rmSync(folder, { recursive: true, force: true });
    delete process.env['ASSAY_TEST_TMPDIR'];
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  };
}
