import { posix } from 'node:path';

import { Hono } from 'hono';

import { parseBasicUser } from '../wire/basic-user.ts';
import { ConnectFault } from '../wire/connect-fault.ts';
import { endFrame, messageFrame } from '../wire/connect-frames.ts';
import { entryJson } from '../wire/entry-json.ts';
import { parseKeepaliveMs, parseTimeoutMs } from '../wire/parse-timeout.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import type { JsonFields } from '../wire/json-fields.ts';
import { addRootFolder, type RootFolders } from './add-root-folder.ts';
import { PacedReader } from './paced-reader.ts';
import { STREAM_HEADERS, streamCall, unaryCall } from './rpc.ts';
import { streamResponse } from './stream-response.ts';
import { filesystemEvent, type WatchTarget } from './watch-events.ts';
import { Watchers } from './watchers.ts';

/** The RPC service `filesystem.Filesystem`. */
export function filesystemService(sandboxes: RootFolders): Hono<AppEnv> {
  const watchers = new Watchers();
  const pathCall = (op: string) => (c: AppContext) =>
    unaryCall(c, (fields) => entryCall(c, op, { path: fields.string('path') }));

  return new Hono<AppEnv>()
    .post('/Stat', pathCall('file.stat'))
    .post('/MakeDir', (c) => unaryCall(c, (fields) => makeDir(c, sandboxes, fields)))
    .post('/Move', (c) => unaryCall(c, (fields) => move(c, sandboxes, fields)))
    .post('/Remove', pathCall('file.remove'))
    .post('/ListDir', (c) => unaryCall(c, (fields) => listDir(c, fields)))
    .post('/WatchDir', (c) => streamCall(c, (fields) => watchDir(c, watchTarget(c, fields))))
    .post('/CreateWatcher', (c) =>
      unaryCall(c, async (fields) => ({
        watcherId: await watchers.create(c.env.sandbox, watchTarget(c, fields)),
      })),
    )
    .post('/GetWatcherEvents', (c) =>
      unaryCall(c, async (fields) => ({
        events: await watchers.take(c.env.sandbox, fields.string('watcherId')),
      })),
    )
    .post('/RemoveWatcher', (c) =>
      unaryCall(c, async (fields) => {
        watchers.remove(c.env.sandbox, fields.string('watcherId'));
        return {};
      }),
    );
}

function userOf(c: AppContext): string {
  return parseBasicUser(c.req.header('authorization'));
}

async function entryCall(c: AppContext, op: string, params: Record<string, unknown>): Promise<object> {
  const { entry } = await c.env.sandbox.link.call(op, { ...params, user: userOf(c) });
  return entry === undefined ? {} : { entry: entryJson(entry) };
}

async function makeDir(c: AppContext, sandboxes: RootFolders, fields: JsonFields): Promise<object> {
  const path = fields.string('path');
  const isMade = await addRootFolder(sandboxes, c.env.sandbox, path);
  return entryCall(c, isMade ? 'file.stat' : 'file.mkdir', { path });
}

async function move(c: AppContext, sandboxes: RootFolders, fields: JsonFields): Promise<object> {
  const params = { from: fields.string('source'), to: fields.string('destination') };
  await addRootFolder(sandboxes, c.env.sandbox, posix.dirname(params.to));
  return entryCall(c, 'file.move', params);
}

async function listDir(c: AppContext, fields: JsonFields): Promise<object> {
  const depth = fields.optionalInteger('depth') || 1;
  const params = { path: fields.string('path'), depth, user: userOf(c) };
  const entries = await c.env.sandbox.link.list('file.list', 'entries', params);
  return { entries: entries.map(entryJson) };
}

function watchTarget(c: AppContext, fields: JsonFields): WatchTarget {
  return {
    path: fields.string('path'),
    user: userOf(c),
    recursive: fields.optionalBoolean('recursive') ?? false,
    includeEntry: fields.optionalBoolean('includeEntry') ?? false,
  };
}

async function watchDir(c: AppContext, target: WatchTarget): Promise<Response> {
  const { sandbox } = c.env;
  const timeoutMs = parseTimeoutMs(c.req.header('connect-timeout-ms'));
  const keepaliveMs = parseKeepaliveMs(c.req.header('keepalive-ping-interval'));
  const deadlineAt = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  const { path, user, recursive } = target;
  const stream = sandbox.link.open('file.watch', { path, user, recursive });
  const reader = new PacedReader(stream, undefined);
  // A refusal comes before the start event and goes into the last frame.
  await stream.next();
  let started = false;
  let finished = false;

  const pull = async (): Promise<Uint8Array | undefined> => {
    if (!started) {
      started = true;
      return messageFrame({ start: {} });
    }
    while (!finished) {
      const waitMs = Math.min(deadlineAt - performance.now(), keepaliveMs ?? Infinity);
      const item = await reader.within(Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined);
      if (performance.now() >= deadlineAt) {
        throw new ConnectFault('deadline_exceeded', 'context deadline exceeded');
      }
      if (item === 'quiet') return messageFrame({ keepalive: {} });
      if (item === undefined) {
        finished = true;
        return endFrame();
      }
      const event =
        item.type === 'event' ? await filesystemEvent(sandbox.link, target, item.event) : undefined;
      if (event) return messageFrame({ filesystem: event });
    }
    return undefined;
  };

  return streamResponse(
    c,
    {
      pull: async () => {
        try {
          return await pull();
        } catch (error) {
          if (!(error instanceof ConnectFault)) throw error;
          finished = true;
          return endFrame(error);
        }
      },
      close: () => stream.cancel(),
    },
    { headers: STREAM_HEADERS },
  );
}
