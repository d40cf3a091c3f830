import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../home.ts';
import { ToolMissingError } from './toolchain.ts';

/** What `find` finds; what it misses is installed first, with set-up's own progress on stderr. @throws ToolMissingError */
export async function ensureTools<T>(
  find: (env: NodeJS.ProcessEnv) => T,
  env: NodeJS.ProcessEnv = process.env,
): Promise<T> {
  try {
    return find(env);
  } catch (error) {
    const script = join(PROJECT_ROOT, 'setup/setup.sh');
    if (!(error instanceof ToolMissingError) || !existsSync(script)) throw error;
    process.stderr.write(`assay: ${error.tool} is missing; setting it up first\n`);
    const code = await new Promise<number | null>((resolve, reject) => {
      spawn('/bin/sh', [script], { env, stdio: ['ignore', process.stderr.fd, process.stderr.fd] })
        .once('error', reject)
        .once('exit', resolve);
    });
    if (code !== 0) throw error;
    return find(env);
  }
}
