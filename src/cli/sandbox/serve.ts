import { Command } from 'commander';
import { sandboxProcess } from '../../embedded/sandbox-process.ts';
import { sandboxStateDir } from '../../embedded/sandbox-server-record.ts';
import { ensureTools } from '../../embedded/set-up.ts';
import { findSandboxTools } from '../../embedded/toolchain.ts';
import { appended, wholeNumber } from '../run-options.ts';

interface ServeOptions {
  port: number;
  host?: string;
  apiKey?: string;
  state?: string;
  maxSandboxes?: number;
  memoryMb?: number;
  homeMb?: number;
  tmpMb?: number;
  volumeMb?: number;
  imagesMb?: number;
  warm?: number;
  domain?: string;
  tlsCert?: string;
  tlsKey?: string;
  maxConnections?: number;
  trust?: string;
  internet?: boolean;
  allowAddress: string[];
  dns: string[];
}

/** `assay sandbox serve`: E2B's API on this machine. */
export function serveCommand(): Command {
  return new Command('serve')
    .summary("serve E2B's API on this machine")
    .description(
      "Serves E2B's API on this machine until Ctrl-C. Prints E2B_API_URL, E2B_SANDBOX_URL, E2B_API_KEY and E2B_VOLUME_API_URL when it is ready; logs to stderr.",
    )
    .option('--port <n>', 'port to listen on; 0 takes a free one', wholeNumber(0, 65_535), 7280)
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--api-key <key>', 'key that clients send (default: ASSAY_SANDBOX_API_KEY, else a random one)')
    .option('--max-sandboxes <n>', 'sandboxes at a time (default: 100)', wholeNumber(1, 10_000))
    .option('--memory-mb <n>', 'memory of a sandbox in MiB (default: 1024)', wholeNumber(64, 1_048_576))
    .option('--home-mb <n>', 'size of its home folder in MiB (default: 512)', wholeNumber(1, 1_048_576))
    .option('--tmp-mb <n>', 'size of its /tmp in MiB (default: 256)', wholeNumber(1, 1_048_576))
    .option('--volume-mb <n>', 'size of a volume in MiB (default: 1024)', wholeNumber(1, 104_857_600))
    .option(
      '--images-mb <n>',
      'size of all snapshots and built templates together in MiB (default: 10240)',
      wholeNumber(1, 104_857_600),
    )
    .option(
      '--warm <n>',
      'sandboxes of the default template to start beforehand (default: 0)',
      wholeNumber(0, 1_000),
    )
    .option(
      '--domain <name>',
      'what PORT-ID. is put before to name a server in a sandbox, with its port (default: localhost:PORT)',
    )
    .option('--tls-cert <file>', 'certificate as PEM: speaks HTTPS and HTTP/2')
    .option('--tls-key <file>', 'its key as PEM')
    .option('--internet', 'let sandboxes that ask for it reach the internet')
    .option(
      '--allow-address <range>',
      'a private address or range that they may reach too; may be repeated',
      appended,
      [],
    )
    .option(
      '--dns <server>',
      "a name server, ADDRESS or ADDRESS:PORT, for the names that they look up; may be repeated (default: the machine's)",
      appended,
      [],
    )
    .option(
      '--max-connections <n>',
      "connections to the outside of all sandboxes together (default: half of the server's open files)",
      wholeNumber(1, 10_000_000),
    )
    .option(
      '--trust <file>',
      'certificates as PEM that prove to be a host of network.rules, beside the public ones',
    )
    .option(
      '--state <dir>',
      "folder for snapshots, templates, volumes, secrets and records (default: sandboxes in Assay's home)",
    )
    .addHelpText(
      'after',
      '\nExamples:\n  assay sandbox serve\n  eval "$(assay sandbox env)" && python my_e2b_program.py',
    )
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const tools = await ensureTools(findSandboxTools);
  const { command, args, env } = sandboxProcess({
    tools,
    port: options.port,
    apiKey: options.apiKey ?? process.env['ASSAY_SANDBOX_API_KEY'],
    stateDir: options.state ?? sandboxStateDir(tools.home),
    allowInternet: options.internet,
    env: process.env,
    logFile: '',
  });
  const more = Object.entries({
    '--host': options.host,
    '--max-sandboxes': options.maxSandboxes,
    '--memory-mb': options.memoryMb,
    '--home-mb': options.homeMb,
    '--tmp-mb': options.tmpMb,
    '--volume-mb': options.volumeMb,
    '--images-mb': options.imagesMb,
    '--warm': options.warm,
    '--domain': options.domain,
    '--tls-cert': options.tlsCert,
    '--tls-key': options.tlsKey,
    '--max-connections': options.maxConnections,
    '--trust': options.trust,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)]));
  const addresses = options.allowAddress.flatMap((address) => ['--allow-address', address]);
  const nameServers = options.dns.flatMap((server) => ['--dns', server]);
  // It becomes the server: signals, its exit code and its end are the server's own.
  process.execve?.(command, [command, ...args, ...more, ...addresses, ...nameServers], env);
}
