import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { pino } from 'pino';

import { findBwrap, findPython as pythonPath } from '../../../src/embedded/toolchain.ts';
import type { GuestLink } from '../../../src/sandbox-server/link/guest-link.ts';
import { GuestListener, sandboxName } from '../../../src/sandbox-server/link/guest-listener.ts';
import { bwrapPackageDir } from '../../../src/sandbox-server/link/nest-args.ts';
import { Nest } from '../../../src/sandbox-server/link/nest.ts';
import { ProcessRecord } from '../../../src/sandbox-server/link/process-record.ts';
import { findProgram, findPython } from '../../../src/sandbox-server/link/programs.ts';
import { DEFAULT_LIMITS, type SandboxLimits } from '../../../src/sandbox-server/options.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const SITE_PACKAGES = join(
  process.env['ASSAY_HOME'] ?? join(ROOT, '.assay'),
  'templates/default/site-packages',
);

/** All that a guest said on one stream. */
export interface Answer {
  events: Record<string, unknown>[];
  stdout: string;
  stderr: string;
  /** Channel 0 and 3. */
  body: Buffer;
  /** The JSON documents of `kernel.execute`. */
  results: Record<string, unknown>[];
  error?: { code: string; message: string };
}

/** A real zygote in a real nest, without the HTTP server in front. */
export interface TestNest {
  spawn(limits?: Partial<SandboxLimits>): Promise<TestGuest>;
  stop(): Promise<void>;
}

/** One sandbox's link. */
export interface TestGuest {
  id: string;
  link: GuestLink;
  /** Calls an operation, sends `input` as its DATA 0 and EOF, and waits for its end. */
  call(op: string, params?: Record<string, unknown>, input?: string | Buffer): Promise<Answer>;
  /** Runs a Bash command line to its end. */
  sh(command: string, params?: Record<string, unknown>): Promise<Answer & { exit: Record<string, unknown> }>;
  /** Runs a cell. */
  run(code: string, params?: Record<string, unknown>): Promise<Answer>;
  kill(): Promise<void>;
}

/** Starts a nest on the project's own toolchain; `packages` false leaves pandas and the like out, for a start in 0.1 s. */
export async function startNest(options: { packages?: boolean; verbose?: boolean } = {}): Promise<TestNest> {
  const stateDir = mkdtempSync(join(tmpdir(), 'assay-test-nest-'));
  const { record } = ProcessRecord.take(stateDir);
  const listener = new GuestListener(join(stateDir, 'guest.sock'));
  await listener.listen();
  const bwrapPath = findProgram('bwrap', findBwrap());
  const template = {
    name: 'default',
    ...(options.packages === false ? {} : { sitePackages: packagesDir() }),
  };
  const parts = {
    socketPath: listener.socketPath,
    volumesDir: stateDir,
    guestDir: join(ROOT, 'src/sandbox-server/guest'),
    python: await findPython(pythonPath()),
    bwrapPackageDir: bwrapPackageDir(bwrapPath),
    nodePath: process.execPath,
    preloadPrograms: [],
  };
  const log = pino({ level: options.verbose ? 'info' : 'silent' }, pino.destination(2));
  const nest = new Nest(template, { bwrapPath, parts, listener, record, log });
  const stop = async (): Promise<void> => {
    await nest.stop();
    await listener.close();
    record.release();
    rmSync(stateDir, { recursive: true, force: true });
  };
  nest.start();
  try {
    await nest.ready(AbortSignal.timeout(60_000));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    async spawn(limits = {}) {
      const id = randomBytes(6).toString('hex');
      const token = randomBytes(12).toString('hex');
      const signal = AbortSignal.timeout(20_000);
      const name = nest.nameOf(id);
      const arriving = listener.expect(sandboxName(name), token, signal);
      const request = {
        name,
        token,
        limits: { ...DEFAULT_LIMITS, ...limits },
        internet: false,
      };
      const spawning = nest.spawn(request, signal);
      const [link] = await Promise.all([arriving, spawning]);
      await link.call('sandbox.configure', { envs: { FROM_SANDBOX: 'yes' } });
      return guest(id, link, () => nest.kill(id, 5_000));
    },
    stop,
  };
}

function packagesDir(): string {
  if (!existsSync(SITE_PACKAGES)) throw new Error(`${SITE_PACKAGES} is missing: run npm run setup`);
  return SITE_PACKAGES;
}

function guest(id: string, link: GuestLink, kill: () => Promise<void>): TestGuest {
  const call: TestGuest['call'] = async (op, params = {}, input) => {
    const stream = link.open(op, { user: 'user', ...params });
    const sending = (async () => {
      if (input === undefined) return;
      await stream.write(0, Buffer.from(input));
      stream.writeEof();
    })().catch(() => undefined);
    const answer = await collect(stream);
    await sending;
    return answer;
  };
  return {
    id,
    link,
    call,
    async sh(command, params) {
      const answer = await call('process.start', {
        cmd: '/bin/bash',
        args: ['-l', '-c', command],
        envs: {},
        ...params,
      });
      return { ...answer, exit: answer.events.at(-1) ?? {} };
    },
    run: (code, params = { language: 'python' }) => call('kernel.execute', { code, envs: {}, ...params }),
    kill,
  };
}

/** Reads a stream to its end. */
export async function collect(stream: ReturnType<GuestLink['open']>): Promise<Answer> {
  const chunks: Buffer[][] = [[], [], [], [], []];
  const answer: Answer = { events: [], stdout: '', stderr: '', body: Buffer.alloc(0), results: [] };
  try {
    for (let item = await stream.next(); item; item = await stream.next()) {
      if (item.type === 'data') chunks[item.channel]?.push(Buffer.from(item.bytes));
      else if (item.type === 'event' && item.event['result'] === true) {
        answer.results.push(
          JSON.parse(Buffer.concat(chunks[4]?.splice(0) ?? []).toString()) as Record<string, unknown>,
        );
      } else if (item.type === 'event') answer.events.push(item.event);
    }
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    answer.error = { code, message };
  }
  answer.stdout = Buffer.concat(chunks[1] ?? []).toString();
  answer.stderr = Buffer.concat(chunks[2] ?? []).toString();
  answer.body = Buffer.concat([...(chunks[0] ?? []), ...(chunks[3] ?? [])]);
  return answer;
}
