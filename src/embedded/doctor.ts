import { runCheck, type CheckResult } from './doctor/check.ts';
import { machineChecks } from './doctor/machine-checks.ts';
import { sandboxChecks } from './doctor/sandbox-checks.ts';
import { serverChecks } from './doctor/server-checks.ts';
import { assayHome } from '../home.ts';
import { findRunningStack } from './stack-record.ts';

export type { CheckResult } from './doctor/check.ts';

/** Looks at every piece of an installation. `onResult` hears of each in order, as soon as those before it are done. */
export async function runDoctor(
  env: NodeJS.ProcessEnv = process.env,
  onResult: (result: CheckResult) => void = () => undefined,
): Promise<CheckResult[]> {
  const home = assayHome(env);
  const running = findRunningStack(home);
  const groups = [
    { checks: machineChecks(home, env, running), mend: 'npm run setup' },
    { checks: sandboxChecks(home, env), mend: 'npm run setup' },
    {
      checks: serverChecks(env, running),
      mend: 'see that it runs and that the address, key and rights are correct',
    },
  ];
  const looking = groups.flatMap(({ checks, mend }) => checks.map((check) => runCheck(check, mend)));
  const results: CheckResult[] = [];
  for (const look of looking) {
    const result = await look;
    results.push(result);
    onResult(result);
  }
  return results;
}
