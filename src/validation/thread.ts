import { parentPort, workerData } from 'node:worker_threads';
import { examineCode } from './examine-code.ts';
import type { ValidationRequest } from './validation-result.ts';

// The program of a thread that validates one text and ends.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort!.postMessage(await examineCode(workerData as ValidationRequest));
