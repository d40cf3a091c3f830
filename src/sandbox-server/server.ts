import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { getRequestListener } from '@hono/node-server';
import { pino, type Logger } from 'pino';

import { AddressRules } from './egress/address-rules.ts';
import { ConnectionBudget, spareDescriptors } from './egress/connection-budget.ts';
import { NameResolver } from './egress/name-resolver.ts';
import { writerMeans } from './egress/writer-means.ts';
import { LifecycleEvents } from './events/lifecycle-events.ts';
import { Webhooks } from './events/webhooks.ts';
import { createApp } from './http/app.ts';
import { PortProxy } from './http/port-proxy.ts';
import { ImageStore } from './images/image-store.ts';
import { GuestListener } from './link/guest-listener.ts';
import { sampleMetrics } from './metrics.ts';
import { Nest } from './link/nest.ts';
import { bwrapPackageDir } from './link/nest-args.ts';
import { ProcessRecord, startTicksOf } from './link/process-record.ts';
import { findProgram, findPython } from './link/programs.ts';
import { DEFAULT_LIMITS, DEFAULT_TEMPLATE_ALIASES, type SandboxServerOptions } from './options.ts';
import { SandboxStarter } from './sandbox-starter.ts';
import { Sandboxes } from './sandboxes.ts';
import { SecretStore } from './secrets/secret-store.ts';
import { Builds } from './templates/builds.ts';
import { VolumeHelpers } from './volumes/volume-helpers.ts';
import { VolumeStore } from './volumes/volume-store.ts';
import { Volumes } from './volumes/volumes.ts';
import { WaysOut } from './ways-out.ts';

/** A running sandbox server. */
export interface SandboxServer {
  /** Base URL, for `apiUrl` and `sandboxUrl` alike. */
  url: string;
  apiKey: string;
  /** Ends every sandbox and all that the server started. */
  close(): Promise<void>;
}

const DEFAULT_MAX_SANDBOXES = 100;
const DEFAULT_IMAGES_MB = 10_240;
const GUEST_DIR = join(dirname(fileURLToPath(import.meta.url)), 'guest');

/**
 * Starts a server; it listens at once, while its templates are still loading.
 * @throws StateInUseError · ProgramMissingError · the listener's own errors, such as EADDRINUSE
 */
export async function startSandboxServer(
  options: SandboxServerOptions,
  log: Logger = pino({ level: 'silent' }),
): Promise<SandboxServer> {
  const bwrapPath = findProgram('bwrap', options.bwrapPath);
  const python = await findPython(options.python);
  const { record, ended } = ProcessRecord.take(options.stateDir);
  if (ended > 0) log.warn({ event: 'leftovers.ended', processes: ended });
  const runDir = join(options.stateDir, 'run');
  await rm(runDir, { recursive: true, force: true });
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  const listener = new GuestListener(join(runDir, 'guest.sock'));
  await listener.listen();

  const volumeStore = new VolumeStore(join(options.stateDir, 'volumes'));
  const parts = {
    volumesDir: volumeStore.dataDir,
    socketPath: listener.socketPath,
    guestDir: GUEST_DIR,
    python,
    bwrapPackageDir: bwrapPackageDir(bwrapPath),
    nodePath: options.nodePath ?? process.execPath,
    preloadPrograms: options.preloadPrograms ?? [],
  };
  const templates = options.templates.map((template, index) => ({
    ...template,
    aliases: [...(template.aliases ?? []), ...(index === 0 ? DEFAULT_TEMPLATE_ALIASES : [])],
  }));
  const nests = templates.map((template) => new Nest(template, { bwrapPath, parts, listener, record, log }));
  const images = new ImageStore(
    join(options.stateDir, 'images'),
    (options.imagesMb ?? DEFAULT_IMAGES_MB) * 1024 * 1024,
  );
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const starter = new SandboxStarter({
    ...{ listener, nests, images, limits, log },
    volumes: volumeStore,
    warm: options.warm ?? 0,
  });
  const volumes = new Volumes({
    store: volumeStore,
    helpers: new VolumeHelpers(starter, log),
    volumeMb: limits.volumeMb,
    log,
  });
  const secrets = new SecretStore(join(options.stateDir, 'secrets.json'));
  const events = new LifecycleEvents();
  const webhooks = new Webhooks(join(options.stateDir, 'webhooks.json'), log);
  events.listen((event) => webhooks.tell(event));
  const outside = options.allowInternet
    ? {
        addresses: new AddressRules(options.allowAddresses ?? []),
        names: new NameResolver(options.nameServers),
        budget: new ConnectionBudget(options.maxConnections ?? spareDescriptors()),
        writing: writerMeans(secrets, options.trustedCertificates),
      }
    : undefined;
  const ways = new WaysOut(outside, log);
  const sandboxes = new Sandboxes({
    starter,
    images,
    maxSandboxes: options.maxSandboxes ?? DEFAULT_MAX_SANDBOXES,
    ways,
    limits,
    volumes,
    events,
    log,
  });
  const builds = new Builds({
    sandboxes,
    images,
    uploadDir: join(runDir, 'uploads'),
    internet: options.allowInternet ?? false,
  });
  const app = createApp({ options, sandboxes, ways, images, builds, volumes, secrets, events, webhooks });
  const proxy = new PortProxy(sandboxes);
  const serveApp = getRequestListener(app.fetch);
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const target = proxy.targetOf(incoming);
    void (target ? proxy.serve(target, incoming, outgoing) : serveApp(incoming, outgoing));
  };
  // Where it speaks HTTP/2, Node gives its requests the face of the older ones.
  const server = options.tls
    ? (createSecureServer({ ...options.tls, allowHTTP1: true }, answer as never) as unknown as Server)
    : createServer(answer);
  server.on('upgrade', (incoming, client, head) => {
    const target = proxy.targetOf(incoming);
    if (target) void proxy.upgrade(target, incoming, client, head);
    else client.destroy();
  });
  // Uploads and runs last as long as they last.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 30_000;

  const recordPath = join(options.stateDir, 'server.json');
  await rm(recordPath, { force: true });
  const stopSampling = sampleMetrics(() => sandboxes.all().filter(({ state }) => state === 'running'));
  const stopGuests = async (): Promise<void> => {
    stopSampling();
    await rm(recordPath, { force: true });
    await sandboxes.killAll();
    webhooks.close();
    await Promise.all(nests.map((nest) => nest.stop()));
    await listener.close();
    await rm(runDir, { recursive: true, force: true });
    record.release();
  };
  try {
    await listen(server, options.port ?? 0, options.host ?? '127.0.0.1');
  } catch (error) {
    await stopGuests();
    throw error;
  }
  // The default one is what most sandboxes are made from; another costs memory once it is used.
  nests[0]?.start();
  starter.warmUp();
  void volumes.sweep();
  const { address, port, family } = server.address() as AddressInfo;
  const url = `${options.tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  // For commands that look for a running server; it holds the key, so it is for its user alone.
  const reach = { url, apiKey: options.apiKey, pid: process.pid, startTime: startTicksOf(process.pid) };
  await writeFile(recordPath, JSON.stringify(reach), { mode: 0o600 });
  log.info({ event: 'server.listening', url });
  return {
    url,
    apiKey: options.apiKey,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      await stopGuests();
      // A server of HTTP/2 has sessions instead, which have ended with their sandboxes' streams or never end by themselves.
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
      log.info({ event: 'server.stopped' });
    },
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
