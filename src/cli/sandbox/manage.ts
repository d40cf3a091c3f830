import { Command, InvalidArgumentError } from 'commander';
import { Sandbox, type ConnectionOpts, type SandboxInfo } from '@e2b/code-interpreter';
import { UsageError } from '../cli-error.ts';
import { print } from '../print.ts';
import { printableLine } from '../printable.ts';
import { nameValue, number } from '../run-options.ts';
import { table } from '../table.ts';
import { utcTime } from '../units.ts';
import {
  addSandboxOptions,
  callControlPlane,
  sandboxConnection,
  type SandboxConnectionOptions,
} from './connection.ts';

/** `assay sandbox env`: how programs reach the server. */
export function envCommand(): Command {
  const command = new Command('env')
    .summary('print the environment by which E2B programs reach the running server')
    .description(
      'Prints E2B_API_URL, E2B_SANDBOX_URL, E2B_API_KEY and E2B_VOLUME_API_URL of the server that runs on this machine.',
    );
  return addSandboxOptions(command).action((options: SandboxConnectionOptions) => {
    const { apiUrl, sandboxUrl, apiKey } = sandboxConnection(options);
    if (apiUrl === undefined) throw new UsageError('the environment has E2B_API_KEY or E2B_API_URL already');
    print(
      `E2B_API_URL=${apiUrl}\nE2B_SANDBOX_URL=${sandboxUrl}\nE2B_API_KEY=${apiKey}\nE2B_VOLUME_API_URL=${apiUrl}`,
    );
  });
}

interface CreateOptions extends SandboxConnectionOptions {
  timeout: number;
  metadata: Record<string, string>;
  env: Record<string, string>;
  /** Names of volumes by their places. */
  volume: Record<string, string>;
  internet?: boolean;
  json?: boolean;
}

/** `assay sandbox create`. */
export function createCommand(): Command {
  const command = new Command('create')
    .summary('create a sandbox and print its id')
    .description('Creates a sandbox, of a template or a snapshot, and prints its id.')
    .argument('[template]', 'template or snapshot', 'default')
    .option('--timeout <seconds>', 'how long it lives', number(1, 86_400), 300)
    .option('--metadata <name=value>', 'what to find it by; may be repeated', nameValue, {})
    .option('-e, --env <name=value>', 'a variable of all its processes; may be repeated', nameValue, {})
    .option('--volume <name:path>', 'a volume and where to have it; may be repeated', volumeMount, {})
    .option('--internet', 'let it reach the internet')
    .option('--json', 'print what is known of it as JSON');
  return addSandboxOptions(command).action(async (template: string, options: CreateOptions) => {
    const sandbox = await Sandbox.create(template, {
      ...sandboxConnection(options),
      timeoutMs: options.timeout * 1000,
      metadata: options.metadata,
      envs: options.env,
      volumeMounts: options.volume,
      ...(options.internet && { allowInternetAccess: true }),
    });
    print(options.json ? JSON.stringify(await sandbox.getInfo(), null, 2) : sandbox.sandboxId);
  });
}

interface ListOptions extends SandboxConnectionOptions {
  state?: string;
  only?: 'running' | 'paused';
  metadata: Record<string, string>;
  json?: boolean;
}

/** `assay sandbox list`. */
export function listCommand(): Command {
  const command = new Command('list')
    .summary('list sandboxes')
    .description('Lists sandboxes, newest first.')
    .option('--only <state>', 'running or paused', oneOf('running', 'paused'))
    .option('--metadata <name=value>', 'only those with it; may be repeated', nameValue, {})
    .option('--json', 'print one JSON array');
  return addSandboxOptions(command).action(async (options: ListOptions) => {
    const found = await listAll(sandboxConnection(options), options);
    if (options.json) return print(JSON.stringify(found, null, 2));
    if (found.length === 0) return print('no sandboxes');
    const rows = found.map(({ sandboxId, name, templateId, state, startedAt, endAt, metadata }) => [
      sandboxId,
      printableLine(name ?? templateId),
      state,
      utcTime(startedAt),
      utcTime(endAt),
      printableLine(
        Object.entries(metadata)
          .map((entry) => entry.join('='))
          .join(' '),
      ),
    ]);
    const titles = ['SANDBOX', 'TEMPLATE', 'STATE', 'STARTED (UTC)', 'ENDS (UTC)', 'METADATA'];
    print(table(titles, rows));
  });
}

/** `assay sandbox info`. */
export function infoCommand(): Command {
  return ofSandbox(
    'info',
    'show what is known of a sandbox, and what it uses, as JSON',
    async (id, connection) => {
      const [info, metrics] = await Promise.all([
        Sandbox.getInfo(id, connection),
        Sandbox.getMetrics(id, connection),
      ]);
      print(JSON.stringify({ ...info, metrics: metrics.at(-1) }, null, 2));
    },
  );
}

interface KillOptions extends SandboxConnectionOptions {
  all?: boolean;
}

/** `assay sandbox kill`. */
export function killCommand(): Command {
  const command = new Command('kill')
    .summary('kill sandboxes')
    .description('Kills sandboxes and all that runs in them.')
    .argument('[id...]', 'ids of sandboxes')
    .option('--all', 'every sandbox of the server');
  return addSandboxOptions(command).action(async (ids: string[], options: KillOptions) => {
    if (ids.length > 0 === Boolean(options.all)) throw new UsageError('give ids of sandboxes, or --all');
    const connection = sandboxConnection(options);
    const found = options.all ? await listAll(connection, { metadata: {} }) : undefined;
    for (const id of found?.map(({ sandboxId }) => sandboxId) ?? ids) {
      const killed = await Sandbox.kill(id, connection);
      if (!killed && !options.all) throw new UsageError(`there is no sandbox ${printableLine(id)}`);
      print(id);
    }
  });
}

/** `assay sandbox pause`. */
export function pauseCommand(): Command {
  return ofSandbox('pause', 'stop a sandbox until it is resumed', async (id, connection) => {
    if (!(await Sandbox.pause(id, connection))) throw new UsageError(`${id} is paused already`);
  });
}

/** `assay sandbox resume`. */
export function resumeCommand(): Command {
  return ofSandbox('resume', 'let a paused sandbox go on', async (id, connection) => {
    await Sandbox.connect(id, connection);
  });
}

/** `assay sandbox logs`. */
export function logsCommand(): Command {
  return ofSandbox('logs', 'show what happened to a sandbox', async (id, connection) => {
    const path = `/v2/sandboxes/${encodeURIComponent(id)}/logs`;
    const { logs } = (await callControlPlane(connection, 'GET', path)) as {
      logs: { timestamp: string; level: string; message: string }[];
    };
    for (const { timestamp, level, message } of logs) {
      print(`${utcTime(new Date(timestamp))}  ${level.padEnd(5)}  ${printableLine(message)}`);
    }
  });
}

function ofSandbox(
  name: string,
  summary: string,
  work: (id: string, connection: ConnectionOpts) => Promise<void>,
): Command {
  const command = new Command(name)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .argument('<id>', 'id of the sandbox');
  return addSandboxOptions(command).action((id: string, options: SandboxConnectionOptions) =>
    work(id, sandboxConnection(options)),
  );
}

async function listAll(
  connection: ConnectionOpts,
  { only, metadata }: Pick<ListOptions, 'only' | 'metadata'>,
): Promise<SandboxInfo[]> {
  const query = { metadata, ...(only && { state: [only] }) };
  const paginator = Sandbox.list({ ...connection, query });
  const found: SandboxInfo[] = [];
  while (paginator.hasNext) found.push(...(await paginator.nextItems()));
  return found;
}

function oneOf<T extends string>(...choices: T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found) return found;
    throw new InvalidArgumentError(`It must be ${choices.join(' or ')}`);
  };
}

function volumeMount(text: string, before: Record<string, string>): Record<string, string> {
  const [, name, path] = /^([^:]+):(\/.*)$/s.exec(text) ?? [];
  if (name === undefined || path === undefined) throw new InvalidArgumentError('It must be NAME:/path');
  return { ...before, [path]: name };
}
