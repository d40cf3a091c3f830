import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { pino } from 'pino';

import type { SandboxServerOptions, TemplateOptions } from './options.ts';
import { startSandboxServer } from './server.ts';

const USAGE = `Usage: main.ts [options]
  --port N               port to listen on; 0 takes a free one (default 0)
  --host H               address to listen on (default 127.0.0.1)
  --api-key K            key that clients send (default $ASSAY_SANDBOX_API_KEY, else a random one)
  --domain D[:PORT]      what PORT-ID. is put before to name a server in a sandbox (default localhost:PORT)
  --tls-cert FILE, --tls-key FILE  a certificate and its key, both PEM: speaks HTTPS and HTTP/2
  --state DIR            folder for sockets and records (default a temporary one)
  --max-sandboxes N      sandboxes at a time (default 100)
  --warm N               sandboxes of the default template to start beforehand (default 0)
  --memory-mb N          memory of a sandbox (default 1024)
  --processes N          processes of a sandbox (default 256)
  --home-mb N, --tmp-mb N  sizes of its folders (default 512, 256)
  --volume-mb N          size of a volume (default 1024)
  --images-mb N          size of all snapshots and built templates together (default 10240)
  --bwrap PATH           bubblewrap (default on PATH)
  --python PATH          Python for templates (default python3 on PATH)
  --node PATH            Node for JavaScript (default the one that runs this)
  --template NAME[=DIR]  a template and the folder of its packages; the first is the default one
  --node-modules NAME=DIR  the folder of a template's npm packages
  --preload FILE.py      a program that templates run at their start, as a module that sandboxes then have
  --allow-internet       lets sandboxes that ask for it reach the internet
  --allow-address A      an address or range (10.1.0.0/16) of a private network that they may reach too; repeatable
  --dns A[:PORT]         a name server for the names that they look up (default the machine's); repeatable
  --max-connections N    connections to the outside of all sandboxes together (default half of the server's open files)
  --trust FILE           certificates as PEM that prove to be a host of network.rules, beside the public ones
Prints E2B_API_URL, E2B_SANDBOX_URL, E2B_API_KEY and E2B_VOLUME_API_URL when it listens; logs JSON lines to stderr.
`;

const EXIT_USAGE = 64;
const EXIT_WORLD = 3;

async function main(): Promise<void> {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        'api-key': { type: 'string' },
        domain: { type: 'string' },
        'tls-cert': { type: 'string' },
        'tls-key': { type: 'string' },
        state: { type: 'string' },
        'max-sandboxes': { type: 'string' },
        warm: { type: 'string' },
        'memory-mb': { type: 'string' },
        processes: { type: 'string' },
        'home-mb': { type: 'string' },
        'tmp-mb': { type: 'string' },
        'volume-mb': { type: 'string' },
        'images-mb': { type: 'string' },
        bwrap: { type: 'string' },
        python: { type: 'string' },
        node: { type: 'string' },
        template: { type: 'string', multiple: true },
        'node-modules': { type: 'string', multiple: true },
        preload: { type: 'string', multiple: true },
        'allow-internet': { type: 'boolean' },
        'allow-address': { type: 'string', multiple: true },
        dns: { type: 'string', multiple: true },
        'max-connections': { type: 'string' },
        trust: { type: 'string' },
        help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    return leave(EXIT_USAGE, `${(error as Error).message}\n${USAGE}`);
  }
  if (values.help) return void process.stdout.write(USAGE);

  const level = process.env['ASSAY_LOG_LEVEL'] ?? 'info';
  const log = pino(
    { level, base: undefined, name: 'sandbox-server' },
    pino.destination({ dest: 2, sync: true }),
  );
  const ownState =
    values.state === undefined ? await mkdtemp(join(tmpdir(), 'assay-sandbox-server-')) : undefined;
  const tls = readTls(values['tls-cert'], values['tls-key']);
  const options: SandboxServerOptions = {
    port: readNumber('--port', values.port) ?? 0,
    host: values.host ?? '127.0.0.1',
    apiKey:
      values['api-key'] ?? process.env['ASSAY_SANDBOX_API_KEY'] ?? `e2b_${randomBytes(20).toString('hex')}`,
    stateDir: values.state ?? (ownState as string),
    templates: (values.template ?? ['default'])
      .map(readTemplate)
      .map((template) => ({ ...template, ...modulesOf(template.name, values['node-modules'] ?? []) })),
    limits: defined({
      memoryMb: readNumber('--memory-mb', values['memory-mb']),
      processes: readNumber('--processes', values.processes),
      homeMb: readNumber('--home-mb', values['home-mb']),
      tmpMb: readNumber('--tmp-mb', values['tmp-mb']),
      volumeMb: readNumber('--volume-mb', values['volume-mb']),
    }),
    preloadPrograms: values.preload ?? [],
    ...(tls && { tls }),
    allowInternet: values['allow-internet'] ?? false,
    allowAddresses: values['allow-address'] ?? [],
    nameServers: values.dns ?? [],
    ...defined({
      maxSandboxes: readNumber('--max-sandboxes', values['max-sandboxes']),
      warm: readNumber('--warm', values.warm),
      maxConnections: readNumber('--max-connections', values['max-connections']),
      imagesMb: readNumber('--images-mb', values['images-mb']),
      domain: readDomain(values.domain),
      bwrapPath: values.bwrap,
      python: values.python,
      nodePath: values.node,
      trustedCertificates: values.trust === undefined ? undefined : readCertificates(values.trust),
    }),
  };
  // Secrets of the environment have no business in anything that is started from here.
  delete process.env['ASSAY_SANDBOX_API_KEY'];

  const removeOwnState = async (): Promise<void> => {
    if (ownState) await rm(ownState, { recursive: true, force: true });
  };
  let server;
  try {
    server = await startSandboxServer(options, log);
  } catch (error) {
    await removeOwnState();
    return leave(EXIT_WORLD, `the sandbox server could not start: ${(error as Error).message}\n`);
  }
  process.stdout.write(
    `E2B_API_URL=${server.url}\nE2B_SANDBOX_URL=${server.url}\nE2B_API_KEY=${server.apiKey}\n` +
      `E2B_VOLUME_API_URL=${server.url}\n`,
  );

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) process.exit(130);
    stopping = true;
    await server.close();
    await removeOwnState();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());
}

function readTls(
  cert: string | undefined,
  key: string | undefined,
): { cert: string; key: string } | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) leave(EXIT_USAGE, '--tls-cert and --tls-key go together\n');
  try {
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } catch (error) {
    return leave(EXIT_USAGE, `the certificate cannot be read: ${(error as Error).message}\n`);
  }
}

function readCertificates(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    // Only to see whether they can be read at all.
    void new X509Certificate(text);
    return text;
  } catch (error) {
    return leave(EXIT_USAGE, `--trust: the certificates cannot be read: ${(error as Error).message}\n`);
  }
}

function readDomain(text: string | undefined): string | undefined {
  if (text !== undefined && !/^[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$/i.test(text))
    leave(EXIT_USAGE, `--domain: '${text}' is no name of a domain\n`);
  return text;
}

function readTemplate(text: string): TemplateOptions {
  const [name = '', ...rest] = text.split('=');
  if (!/^[a-z0-9][a-z0-9_.-]{0,63}$/.test(name))
    leave(EXIT_USAGE, `--template: '${name}' is no name for a template\n`);
  return rest.length === 0 ? { name } : { name, sitePackages: rest.join('=') };
}

function modulesOf(template: string, given: string[]): Pick<TemplateOptions, 'nodeModules'> {
  const own = given.find((text) => text.startsWith(`${template}=`));
  return own === undefined ? {} : { nodeModules: own.slice(template.length + 1) };
}

function readNumber(flag: string, text: string | undefined): number | undefined {
  if (text !== undefined && !/^\d{1,9}$/.test(text))
    leave(EXIT_USAGE, `${flag} has to be a whole number, not '${text}'\n`);
  return text === undefined ? undefined : Number(text);
}

function defined<T extends Record<string, unknown>>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

function leave(code: number, message: string): never {
  process.stderr.write(message);
  process.exit(code);
}

await main();
