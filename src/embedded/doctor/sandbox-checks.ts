import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Child } from '../child.ts';
import { sourceFile } from '../../home.ts';
import { Guard } from '../guard.ts';
import { sandboxProcess } from '../sandbox-process.ts';
import { findBwrap, findPython, findTemplates, findToolchain } from '../toolchain.ts';
import { fail, firstLine, ok, warn, type Check, type Finding } from './check.ts';
import { kernelSetting } from './machine-checks.ts';

const run = promisify(execFile);
const SETUP = 'npm run setup';
const ALL_NAMESPACES = [
  '--unshare-user',
  '--unshare-pid',
  '--unshare-net',
  '--unshare-ipc',
  '--unshare-uts',
  '--die-with-parent',
];
const HOST_READ_ONLY = ['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/dev/shm'];
const MODULES =
  'numpy pandas matplotlib seaborn sklearn scipy requests pytest pytest_cov IPython e2b_charts'.split(' ');

/** What the local sandbox server stands on. */
export function sandboxChecks(home: string, env: NodeJS.ProcessEnv): Check[] {
  return [
    { name: 'bubblewrap', look: () => bubblewrap(env) },
    { name: 'user namespaces', look: () => userNamespaces(env) },
    { name: 'internet access', look: () => internetAccess(env) },
    { name: 'default template', look: () => defaultTemplate(home, env) },
    { name: 'sandbox server', look: () => sandboxServer(env) },
  ];
}

async function bubblewrap(env: NodeJS.ProcessEnv): Promise<Finding> {
  if (process.platform !== 'linux') return fail(`${process.platform} has none`, NOT_LINUX);
  const bwrap = findBwrap(env);
  const { stdout } = await run(bwrap, ['--version'], { timeout: 10_000 });
  return ok(`${stdout.trim()} (${bwrap})`);
}

const NOT_LINUX =
  "local sandboxes need Linux; set E2B_API_KEY for E2B's cloud, or run Assay in a Linux machine";

/** Not what the settings say, but whether it works: a sandbox is made and ended. */
async function userNamespaces(env: NodeJS.ProcessEnv): Promise<Finding> {
  if (process.platform !== 'linux') return fail(`${process.platform} has none`, NOT_LINUX);
  const bwrap = findBwrap(env);
  const started = performance.now();
  try {
    await run(bwrap, [...ALL_NAMESPACES, ...HOST_READ_ONLY, 'true'], { timeout: 10_000 });
  } catch (error) {
    return fail(firstLine(error), await wayOut());
  }
  return ok(
    `a sandbox with its own user, pid, mount, network and IPC namespaces: ${Math.round(performance.now() - started)} ms`,
  );
}

/** What forbids user namespaces here, as far as it can be seen, and how to allow them. */
export async function wayOut(setting = kernelSetting): Promise<string> {
  if ((await setting('user.max_user_namespaces')) === '0')
    return 'as root: sysctl -w user.max_user_namespaces=15000';
  if ((await setting('kernel.unprivileged_userns_clone')) === '0')
    return 'as root: sysctl -w kernel.unprivileged_userns_clone=1';
  if ((await setting('kernel.apparmor_restrict_unprivileged_userns')) === '1')
    return "AppArmor allows them to known programs only: install the system's bubblewrap (apt install bubblewrap apparmor-profiles), or as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
  if (existsSync('/.dockerenv') || existsSync('/run/.containerenv'))
    return 'the container forbids them: run it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined, as docker-compose.yml does for the sandbox server';
  return 'a security policy of this host forbids them (SELinux, seccomp); see docs/deploy.md';
}

/** Whether the kernel hands connections of a sandbox over, as it does for one that has internet access; nothing is sent. */
export async function internetAccess(
  env: NodeJS.ProcessEnv,
  server = dirname(sourceFile(join('sandbox-server', 'main'))),
): Promise<Finding> {
  const script = `
import sys
sys.path.insert(0, ${JSON.stringify(server)})
from guest import redirect
try: redirect.redirect({each.family for each in redirect.open_sockets()})
except OSError as error: print(error)`;
  const rights = ['CAP_NET_ADMIN', 'CAP_NET_BIND_SERVICE'].flatMap((right) => ['--cap-add', right]);
  const inside = [...ALL_NAMESPACES, ...rights, ...HOST_READ_ONLY, findPython(env), '-I', '-B', '-c', script];
  let lack;
  try {
    lack = (await run(findBwrap(env), inside, { timeout: 20_000 })).stdout.trim();
  } catch (error) {
    return warn(`cannot be looked at: ${firstLine(error)}`, "see 'user namespaces'");
  }
  if (lack === '') return ok('programs in a sandbox that may reach the internet need no proxy');
  return warn(
    `the kernel lacks nf_tables with tproxy (${lack}): programs reach the internet by HTTP_PROXY alone`,
    'as root on the host: modprobe -a nf_tables nft_tproxy nft_reject_ipv4 nft_reject_ipv6; a kernel without them has to be replaced',
  );
}

async function defaultTemplate(home: string, env: NodeJS.ProcessEnv): Promise<Finding> {
  const { sitePackages = '' } = findTemplates(home)[0] ?? {};
  const python = findPython(env);
  const script = `import sys; sys.path.insert(0, ${JSON.stringify(sitePackages)}); import ${MODULES.join(', ')}; print(pandas.__version__, numpy.__version__)`;
  // Inside a sandbox where there is one; a broken one is told of by its own check.
  const inside = [...ALL_NAMESPACES, ...HOST_READ_ONLY, python, '-I', '-B', '-c', script];
  const started = performance.now();
  try {
    const { stdout } = await run(findBwrap(env), inside, {
      timeout: 120_000,
      env: { ...env, TMPDIR: '/dev/shm', MPLCONFIGDIR: '/dev/shm' },
    });
    const [pandas, numpy] = stdout.trim().split(' ');
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    return ok(`pandas ${pandas}, numpy ${numpy} and ${MODULES.length - 2} more, imported in ${seconds} s`);
  } catch (error) {
    return fail(firstLine(error), `remove ${home}/templates/default, then ${SETUP}`);
  }
}

/** The server itself, until its template is warm: what stands between it and a sandbox shows here, whatever it is. */
async function sandboxServer(env: NodeJS.ProcessEnv): Promise<Finding> {
  const tools = findToolchain(env);
  const folder = await mkdtemp(join(env['TMPDIR'] || tmpdir(), 'assay-doctor-'));
  const guard = new Guard();
  guard.folder(folder);
  let said: string | undefined;
  let died = false;
  const spec = sandboxProcess({
    tools,
    port: 0,
    apiKey: 'e2b_doctor',
    stateDir: folder,
    env,
    logFile: join(folder, 'log'),
  });
  const isReady = (line: string) => {
    if (line.includes('"zygote.says"')) said = (JSON.parse(line) as { line?: string }).line;
    died ||= line.includes('"zygote.died"');
    return died || line.includes('"template.ready"');
  };
  const server = new Child({ ...spec, isReady }, guard, () => undefined);
  const started = performance.now();
  try {
    await server.start();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const mend = 'see `mend` of the pieces above; docs/deploy.md says what the server needs';
    return died
      ? fail(said ?? 'its template does not load', mend)
      : ok(`the default template is warm in ${seconds} s`);
  } finally {
    await server.stop(2_000);
    await guard.release();
    await rm(folder, { recursive: true, force: true });
  }
}
