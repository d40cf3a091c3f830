import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { workflowsPath } from './workflow-bundle.ts';

// Run as a program with the file to write: several workers may build at once, so the file appears whole or not at all.
const [codePath] = process.argv.slice(2);
if (codePath === undefined) throw new Error('usage: build-bundle FILE');
const silent = () => undefined;
const logger = {
  log: silent,
  trace: silent,
  debug: silent,
  info: silent,
  warn: console.warn,
  error: console.error,
};
const { code } = await bundleWorkflowCode({ workflowsPath, logger });
await mkdir(dirname(codePath), { recursive: true });
const partial = `${codePath}.${process.pid}`;
await writeFile(partial, code);
await rename(partial, codePath);
