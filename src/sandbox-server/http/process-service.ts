import { Hono } from 'hono';

import { Channel } from '../link/guest-frames.ts';
import type { GuestLink } from '../link/guest-link.ts';
import { parseBasicUser } from '../wire/basic-user.ts';
import { ConnectFault } from '../wire/connect-fault.ts';
import { messageFrame, endFrame, readMessages } from '../wire/connect-frames.ts';
import { parseKeepaliveMs, parseTimeoutMs } from '../wire/parse-timeout.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { JsonFields } from '../wire/json-fields.ts';
import { processResponse, type ProcessStreamLimits } from './process-stream.ts';
import { bodyOf } from './request-body.ts';
import {
  STREAM_HEADERS,
  STREAM_TYPE,
  hasType,
  rpcErrorResponse,
  streamCall,
  unaryCall,
  wrongType,
} from './rpc.ts';

/**
 * What E2B's SDKs send where nobody set a limit, for commands in the background too, which nothing tells apart: the stream ends then, and the
 * process goes on. Any other limit was somebody's wish, and the process ends with it.
 */
const SDK_DEFAULT_TIMEOUT_MS = 60_000;

/** The RPC service `process.Process`. */
export function processService(): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .post('/Start', (c) =>
      streamCall(c, async (fields) => {
        const user = parseBasicUser(c.req.header('authorization'));
        const params = startParams(fields);
        const stream = c.env.sandbox.link.open('process.start', { ...params, user });
        c.env.sandbox.log.add('info', `command: ${commandLine(params)}`);
        return processResponse(c, c.env.sandbox, stream, limitsOf(c, 'start'));
      }),
    )
    .post('/Connect', (c) =>
      streamCall(c, async (fields) => {
        const stream = c.env.sandbox.link.open('process.connect', selectorOf(fields));
        return processResponse(c, c.env.sandbox, stream, limitsOf(c, 'connect'));
      }),
    )
    .post('/List', (c) =>
      unaryCall(c, async () => {
        const processes = await c.env.sandbox.link.list('process.list', 'processes');
        return { processes: processes.map(processInfo) };
      }),
    )
    .post('/SendInput', (c) =>
      unaryCall(c, async (fields) => {
        await sendInput(c.env.sandbox.link, selectorOf(fields), fields.object('input'));
        return {};
      }),
    )
    .post('/StreamInput', (c) => streamInput(c))
    .post('/CloseStdin', (c) =>
      unaryCall(c, async (fields) => {
        await c.env.sandbox.link.call('process.closeStdin', selectorOf(fields));
        return {};
      }),
    )
    .post('/SendSignal', (c) =>
      unaryCall(c, async (fields) => {
        const signal = signalOf(fields);
        await c.env.sandbox.link.call('process.signal', { ...selectorOf(fields), signal, group: true });
        return {};
      }),
    )
    .post('/Update', (c) =>
      unaryCall(c, async (fields) => {
        const size = sizeOf(fields);
        if (size) await c.env.sandbox.link.call('process.resize', { ...selectorOf(fields), ...size });
        return {};
      }),
    );
}

const MAX_LOGGED = 500;

/** A command as its client wrote it, without the shell that SDKs put around it. */
function commandLine({ cmd, args }: { cmd: string; args: string[] }): string {
  const isShell = cmd === '/bin/bash' && args.at(-2) === '-c';
  const line = isShell ? (args.at(-1) ?? '') : [cmd, ...args].join(' ');
  return line.length > MAX_LOGGED ? `${line.slice(0, MAX_LOGGED)}…` : line;
}

function startParams(fields: JsonFields): { cmd: string; args: string[] } & Record<string, unknown> {
  const process = fields.object('process');
  if (!process) throw new ConnectFault('invalid_argument', `'process' is missing`);
  const pty = sizeOf(fields);
  return {
    cmd: process.string('cmd'),
    args: process.strings('args'),
    envs: process.stringMap('envs'),
    cwd: process.optionalString('cwd'),
    tag: fields.optionalString('tag'),
    stdin: fields.optionalBoolean('stdin') ?? true,
    ...(pty ? { pty } : {}),
  };
}

function limitsOf(c: AppContext, call: 'start' | 'connect'): ProcessStreamLimits {
  const timeoutMs = parseTimeoutMs(c.req.header('connect-timeout-ms'));
  return {
    timeoutMs,
    killAtDeadline: call === 'start' && timeoutMs !== SDK_DEFAULT_TIMEOUT_MS,
    keepaliveMs: parseKeepaliveMs(c.req.header('keepalive-ping-interval')),
  };
}

function selectorOf(fields: JsonFields): { pid: number } | { tag: string } {
  const process = fields.object('process');
  const pid = process?.optionalInteger('pid');
  if (pid !== undefined) return { pid };
  const tag = process?.optionalString('tag');
  if (tag !== undefined) return { tag };
  throw new ConnectFault('invalid_argument', 'the process is named neither by pid nor by tag');
}

function sizeOf(fields: JsonFields): { cols: number; rows: number } | undefined {
  const size = fields.object('pty')?.object('size');
  return size && { cols: size.optionalInteger('cols') ?? 80, rows: size.optionalInteger('rows') ?? 24 };
}

const SIGNALS: Record<string, number> = { SIGNAL_SIGTERM: 15, SIGNAL_SIGKILL: 9, '15': 15, '9': 9 };

function signalOf(fields: JsonFields): number {
  const name = fields.enumValue('signal');
  const signal = SIGNALS[name];
  if (signal === undefined) throw new ConnectFault('invalid_argument', `unknown signal '${name}'`);
  return signal;
}

async function sendInput(link: GuestLink, selector: object, input: JsonFields | undefined): Promise<void> {
  const stdin = input?.bytes('stdin');
  const pty = input?.bytes('pty');
  const bytes = stdin ?? pty;
  if (!bytes) throw new ConnectFault('invalid_argument', 'no input is given');
  const stream = link.open('process.input', { ...selector });
  await stream.write(stdin ? Channel.body : Channel.pty, bytes);
  stream.writeEof();
  while (await stream.next());
}

/** Client streaming: a first message names the process, each later one carries input. */
async function streamInput(c: AppContext): Promise<Response> {
  if (!hasType(c, STREAM_TYPE)) return wrongType(STREAM_TYPE);
  try {
    let selector: object | undefined;
    for await (const message of readMessages(bodyOf(c))) {
      const fields = new JsonFields((message ?? {}) as Record<string, unknown>);
      const start = fields.object('start');
      const data = fields.object('data');
      if (start) selector = selectorOf(start);
      else if (data && selector) await sendInput(c.env.sandbox.link, selector, data.object('input'));
      else if (data) throw new ConnectFault('invalid_argument', 'input before the process was named');
    }
    const answer = Buffer.concat([messageFrame({}), endFrame()]);
    return new Response(answer, { headers: STREAM_HEADERS });
  } catch (error) {
    if (!(error instanceof ConnectFault)) return rpcErrorResponse(c, error);
    return new Response(endFrame(error) as Uint8Array<ArrayBuffer>, { headers: STREAM_HEADERS });
  }
}

function processInfo(entry: unknown): object {
  const { pid, tag, cmd, args, envs, cwd } = (entry ?? {}) as Record<string, unknown>;
  return {
    pid: typeof pid === 'number' ? pid : 0,
    ...(typeof tag === 'string' ? { tag } : {}),
    config: {
      cmd: typeof cmd === 'string' ? cmd : '',
      args: Array.isArray(args) ? args.map(String) : [],
      envs: typeof envs === 'object' && envs !== null ? envs : {},
      ...(typeof cwd === 'string' ? { cwd } : {}),
    },
  };
}
