import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import {
  FrameKind,
  FrameReader,
  encodeFrame,
  encodeJsonFrame,
} from '../../src/sandbox-server/link/guest-frames.ts';

/** What a guest says to one call: frames, each for the call's own stream or for another. */
export interface Reply {
  frames: { kind: number; body: Buffer; otherStream: number | undefined }[];
  /** Bytes that are no frames, after them. */
  garbage: Buffer | undefined;
  ending: 'end' | 'silence' | 'close';
}

const value = fc.oneof(
  fc.constantFrom<unknown>(-1, 0, 1, 2 ** 32, 1e308, -1e308, 8.64e15 + 1, '', 'x', '\ud800', '__proto__', null, true),
  fc.constantFrom<unknown>([], {}, { toString: 1 }, { toJSON: 1 }, [null], 'file', 'dir', 'create', 'x'.repeat(300_000)),
  fc.jsonValue({ maxDepth: 3 }),
); // prettier-ignore
const names = 'pid,exitCode,signal,status,error,size,type,path,name,modifiedTimeMs,entry,entries,processes,contexts,contextId,language,cwd,started,execution_count,result,metadata,memUsedBytes,cpuCount'.split(','); // prettier-ignore
const event = fc.oneof(
  fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 }),
  fc.record({ size: fc.constantFrom(0, 5, 100_000, 2 ** 40), type: fc.constant('file'), path: value, modifiedTimeMs: value }),
  fc.record({ entry: fc.dictionary(fc.constantFrom(...names), value) }),
  fc.record({ entries: fc.array(fc.dictionary(fc.constantFrom(...names), value), { maxLength: 4 }) }),
  fc.record({ error: fc.record({ name: value, value, traceback: fc.oneof(value, fc.array(value)), code: fc.oneof(value, fc.constantFrom('internal', 'unavailable', 'not_found')), message: value }, { requiredKeys: [] }) }),
  fc.record({ pid: fc.constant(7) }),
  fc.record({ exitCode: value, signal: value, status: value, error: value }, { requiredKeys: ['exitCode'] }),
  fc.constant({ result: true }),
); // prettier-ignore
const json = event.map((each) => Buffer.from(JSON.stringify(each)));
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map(Buffer.from),
  fc.constantFrom(0, 1, 2, 3, 4, 5).map((channel) => Buffer.alloc(2000, channel)),
  fc.constant(Buffer.from(`\u0004${'['.repeat(20_000)}`)),
  fc.constant(Buffer.from('['.repeat(500_000))),
);
const credit = fc.constantFrom(0, 1, 100_000, 2 ** 32 - 1).map((size) => {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(size);
  return body;
});
const wellFormed = fc.oneof(
  { weight: 6, arbitrary: json.map((body) => ({ kind: FrameKind.event as number, body })) },
  { weight: 3, arbitrary: bytes.map((body) => ({ kind: FrameKind.data as number, body })) },
  { weight: 2, arbitrary: credit.map((body) => ({ kind: FrameKind.window as number, body })) },
  { weight: 1, arbitrary: fc.constant({ kind: FrameKind.eof as number, body: Buffer.alloc(0) }) },
);
const frame = fc.oneof(
  { weight: 12, arbitrary: wellFormed },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.integer({ min: 0, max: 255 }), body: fc.oneof(json, bytes) }),
  },
);

/** Replies to the calls of a server, one after the other. */
export const replies: fc.Arbitrary<Reply[]> = fc.array(
  fc.record({
    frames: fc.array(
      fc
        .tuple(frame, fc.option(fc.constantFrom(0, 1, 2, 99, 2 ** 32 - 1), { nil: undefined, freq: 12 }))
        .map(([each, otherStream]) => ({ ...each, otherStream })),
      { maxLength: 6 },
    ),
    garbage: fc.option(fc.uint8Array({ minLength: 1, maxLength: 30 }).map(Buffer.from), {
      nil: undefined,
      freq: 15,
    }),
    ending: fc.constantFrom('end', 'end', 'end', 'silence', 'close'),
  }),
  { minLength: 1, maxLength: 6 },
);

/** What a stranger says first: it has no token. */
export const greetings: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map(Buffer.from),
  fc
    .record({ name: value, role: fc.oneof(value, fc.constant('zygote')), template: value, token: value })
    .map((hello) => encodeJsonFrame(0, FrameKind.hello, hello)),
  fc.tuple(fc.integer({ min: 0, max: 8 }), fc.oneof(json, bytes)).map(([kind, body]) => encodeFrame(0, kind, body)),
); // prettier-ignore

/** A guest that has its token and says what a script has it say. */
export class HostileGuest {
  readonly socket: Socket;
  #reader = new FrameReader();

  constructor(path: string, hello: { name: string; token: string }, script: Reply[]) {
    this.socket = connect(path);
    this.socket.on('error', () => undefined);
    this.socket.write(encodeJsonFrame(0, FrameKind.hello, { role: 'sandbox', ...hello }));
    let calls = 0;
    this.socket.on('data', (chunk: Buffer) => {
      for (const { streamId, kind } of this.#reader.push(chunk)) {
        const reply = script[calls % script.length];
        if (kind === FrameKind.open && reply) this.#say(streamId, reply);
        if (kind === FrameKind.open) calls++;
      }
    });
  }

  #say(streamId: number, { frames, garbage, ending }: Reply): void {
    for (const { kind, body, otherStream } of frames)
      this.socket.write(encodeFrame(otherStream ?? streamId, kind, body));
    if (garbage) this.socket.write(garbage);
    if (ending === 'end') this.socket.write(encodeJsonFrame(streamId, FrameKind.end, {}));
    if (ending === 'close') this.socket.end();
  }
}
