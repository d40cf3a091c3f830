import { loadConfig, type Config, type SandboxConnection } from '../../config.ts';
import { namesServer } from '../../temporal-profile.ts';
import { withoutOtherServers } from '../other-servers.ts';
import type { StackRecord } from '../stack-record.ts';
import { fail, ok, type Check, type Finding } from './check.ts';

const TIMEOUT_MS = 5_000;

/** The store, Temporal, the sandbox backend and the workflows' code. */
export function serverChecks(env: NodeJS.ProcessEnv, running: StackRecord | undefined): Check[] {
  const config = (): Config => running?.config ?? loadConfig({ env });
  return [
    { name: 'store', look: () => store(config()) },
    { name: 'workflow bundle', look: () => workflowBundle(config()) },
    { name: 'Temporal', look: () => temporal(config(), env, running) },
    { name: 'sandboxes', look: () => sandboxes(config(), running) },
  ];
}

async function store({ storeUrl }: Config): Promise<Finding> {
  const { openStore } = await import('../../store/open-store.ts');
  const opened = openStore(storeUrl);
  const blob = await opened.put('assay doctor');
  await opened.get(blob);
  return ok(`${storeUrl} takes and gives`);
}

async function workflowBundle({ home }: Config): Promise<Finding> {
  const { workflowBundle: bundle } = await import('../../worker/workflow-bundle.ts');
  const { codePath } = await bundle(home);
  return ok(codePath);
}

async function temporal(
  config: Config,
  env: NodeJS.ProcessEnv,
  running: StackRecord | undefined,
): Promise<Finding> {
  const { address, namespace } = config.temporal;
  if (!running && !namesServer(env)) return ok('none configured: commands start their own');
  const { Assay } = await import('../../client.ts');
  const surroundings = running ? { ...config.temporal, env: withoutOtherServers(env) } : { env };
  const assay = await Assay.connect({ ...surroundings, connectTimeoutMs: TIMEOUT_MS });
  await assay.close();
  return ok(`${address}, namespace ${namespace}${running ? ` (assay dev, pid ${running.owner.pid})` : ''}`);
}

async function sandboxes({ sandbox }: Config, running: StackRecord | undefined): Promise<Finding> {
  if (!sandbox) return ok('none configured: commands start the local server');
  const url = apiUrl(sandbox);
  const response = await fetch(`${url}/v2/sandboxes?limit=1`, {
    headers: { 'X-API-KEY': sandbox.apiKey },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (response.status === 401 || response.status === 403)
    return fail(`${url} does not take the key`, 'correct E2B_API_KEY');
  if (!response.ok) return fail(`${url} answers with ${response.status}`, 'look at the log of that server');
  return ok(`${url}${running ? ` (assay dev, pid ${running.owner.pid})` : ''}`);
}

const apiUrl = ({ apiUrl: url, domain }: SandboxConnection) => url ?? `https://api.${domain ?? 'e2b.app'}`;
