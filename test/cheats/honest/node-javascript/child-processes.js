// runs child processes and workers and waits for them
import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
export function add(a, b) {
  return Number(execFileSync(process.execPath, ['-p', `${a} + ${b}`], { encoding: 'utf8' }));
}
export async function inWorker(a, b) {
  const worker = new Worker(`require('worker_threads').parentPort.postMessage(${a} + ${b})`, { eval: true });
  const [sum] = await once(worker, 'message');
  return sum;
}
