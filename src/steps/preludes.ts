import type { Sandbox } from '@e2b/code-interpreter';
import type { JobInput } from '../domain/job-input.ts';
import { TroubleError } from '../domain/trouble-error.ts';
import type { CodeProcess } from './code-run.ts';
import type { StepContext } from './step-context.ts';
import { WORK_FOLDER } from './work-folder.ts';

const PATIENCE_MS = 20_000;

/**
 * Makes a fresh process ready for the job: in the working folder, with the job's memory limit on top of what the interpreter itself
 * holds. It is a run of its own, so that the code's line numbers stay as they are.
 */
export async function enterWorkFolder(
  sandbox: Sandbox,
  process: CodeProcess,
  job: JobInput,
  { signal }: StepContext,
): Promise<void> {
  const module = job.tests?.kind === 'pytest';
  const code =
    job.language === 'python'
      ? pythonPrelude(job.limits.memoryMb, module)
      : job.language === 'bash'
        ? bashPrelude(job.limits.memoryMb)
        : SCRIPT_PRELUDE;
  const end = await process.run(code, { timeoutMs: PATIENCE_MS, signal });
  if (end.why !== 'ended' || end.execution.error) {
    const reason = end.why === 'ended' ? end.execution.error?.value : end.why;
    throw new TroubleError({
      type: 'sandbox-lost',
      message: `A fresh ${job.language} process did not get ready: ${reason}`,
    });
  }
  const pid = /^\d+$/.exec(end.execution.text?.trim() ?? '')?.[0];
  if (pid) await sandbox.commands.run(limitOther(pid, job.limits.memoryMb), { timeoutMs: PATIENCE_MS });
}

function pythonPrelude(memoryMb: number, module: boolean): string {
  return `
def _enter():
    import os, resource, sys
    os.makedirs('${WORK_FOLDER}', exist_ok=True)
    os.chdir('${WORK_FOLDER}')
    with open('/proc/self/status') as file:
        base = next((int(line.split()[1]) for line in file if line.startswith('VmData:')), 0)
    most, hard = (base + ${memoryMb} * 1024) * 1024, resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    sys.dont_write_bytecode = True
_enter()
del _enter
${module ? "__name__ = 'solution'" : ''}`;
}

function bashPrelude(memoryMb: number): string {
  return `mkdir -p ${WORK_FOLDER} && cd ${WORK_FOLDER}; ulimit -d $(( ${memoryMb} * 1024 + 8192 )) 2>/dev/null || true`;
}

/** JavaScript cannot limit itself: it says its number, and a command does it. */
const SCRIPT_PRELUDE = `
(await import('node:fs')).mkdirSync('${WORK_FOLDER}', { recursive: true });
globalThis.process.chdir('${WORK_FOLDER}');
globalThis.process.pid`;

function limitOther(pid: string, memoryMb: number): string {
  return `base=$(awk '/^VmData/ {print $2}' /proc/${pid}/status); prlimit --pid ${pid} --data=$(( (base + ${memoryMb} * 1024) * 1024 )) 2>/dev/null || true`;
}
