import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { messageFrame } from '../../src/sandbox-server/wire/connect-frames.ts';

/** A request that some client might send, well-formed or not. */
export interface OddRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
  /** Whether the body comes in chunks, without a word on its length. */
  chunked: boolean;
  /** How many bytes of the body are sent before the client goes away; all where it stays. */
  cutAt: number | undefined;
}

/** Who a request is sent to: 0 for the control plane, else a port of a sandbox. */
export type Port = 0 | 49983 | 49999;

/** One endpoint with what a well-behaved client would send it. */
interface Endpoint {
  port: Port;
  method: string;
  path: fc.Arbitrary<string>;
  kind: 'json' | 'stream' | 'bytes' | 'form';
  fields: Record<string, fc.Arbitrary<unknown>>;
}

const odd = fc.constantFrom(
  ...['', '/', '.', '..', '../../../../etc/passwd', '~', '~root', '~/x', 'a\0b', 'a/'.repeat(1500), 'x'.repeat(300)],
  ...['\ud800', '\u202e😀', 'a\nb\r', "'", '"', '%00', '%ff', '%', '${HOME}', 'constructor', '__proto__', 'toString'],
  ...['/proc', '/proc/1/mem', '/proc/1/fd/0', '/proc/kmsg', '/dev', '/dev/zero', '/dev/tty', '/sys', '/home', '/tmp'],
  ...['/home/user', '/run/assay/guest.sock', '/usr/bin/env', 'file.txt', 'folder', 'folder/loop', 'pipe', 'running'],
); // prettier-ignore
const text = fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 40 }));
const number = fc.oneof(
  fc.constantFrom(-1, 0, 1, 2, 3, 9, 15, 80, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 1e308, 0.5),
  fc.integer(),
); // prettier-ignore
const deep = fc.constantFrom('[', '{"a":').map((part) => part.repeat(100_000));
const anything = fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.jsonValue({ maxDepth: 4 }));
const envs = fc.oneof(
  fc.constant({ A: 'b' }),
  fc.dictionary(text, fc.oneof(text, anything), { maxKeys: 3 }),
  fc.constant({ LONG: 'x'.repeat(140_000) }),
  fc.constant({ LONG: 'é'.repeat(600_000) }),
);
const path = fc.oneof({ weight: 2, arbitrary: odd }, { weight: 1, arbitrary: text });
const cmd = fc.oneof(
  fc.constantFrom('/bin/true', '/bin/cat', '/bin/sleep', '/bin/sh', '/dev/null', 'no-such'),
  text,
);
const args = fc.oneof(
  fc.constantFrom<unknown>(
    ['0.2'],
    ['-c', 'echo x; sleep 0.1 & exit 3'],
    ['-c', 'kill -9 -1'],
    ['x'.repeat(200_000)],
  ),
  fc.array(anything, { maxLength: 4 }),
  fc.constant(Array(30).fill('x'.repeat(50_000))),
);
const selector = fc.oneof(
  fc.record({ pid: fc.oneof(fc.integer({ min: 1, max: 40 }), number) }),
  fc.record({ tag: text }),
  anything,
);
const size = fc.record({ size: fc.record({ cols: number, rows: number }, { requiredKeys: [] }) });
const code = fc.oneof(
  fc.constantFrom('1+1', 'print("x" * 100000)', 'raise ValueError("é" * 200000)', 'import os; os._exit(3)', 'import time; time.sleep(9)', 'while True: pass', 'echo 1', 'exit 1', 'throw 1', '#' + 'x'.repeat(1_100_000)),
  // Frames on the interpreter's channel to its supervisor, which only the interpreter should write.
  fc.tuple(fc.integer({ min: 0, max: 9 }), fc.oneof(fc.constantFrom('{"execution_count":Infinity}', '['.repeat(50_000), '{"error":{"name":1}}', '{"result":true}', '4', ''), fc.string())).map(([kind, body]) => `import os,struct\nb=${JSON.stringify(body)}.encode("utf8","replace")\nfor run in range(9): os.write(3, struct.pack(">IIB", 5+len(b), run, ${kind})+b)`),
  text,
); // prettier-ignore
const language = fc.oneof(fc.constantFrom('python', 'bash', 'javascript', 'r'), anything);
const id = fc.constantFrom('VICTIM', 'VICTIM', 'VICTIM', 'nobody', '%ff', '..', 'x'.repeat(2000));
const contextId = fc.constantFrom('x', '%00', '%ff', '__proto__', 'x'.repeat(2000));
const metadata = fc.dictionary(text, anything, { maxKeys: 3 });

const at = (where: string) => fc.constant(where);
const rpc = (service: string, method: string, fields: Endpoint['fields'], kind: Endpoint['kind'] = 'json'): Endpoint => ({
  port: 49983,
  method: 'POST',
  path: at(`/${service}/${method}`),
  kind,
  fields,
}); // prettier-ignore
const process = (method: string, fields: Endpoint['fields'], kind?: Endpoint['kind']) =>
  rpc('process.Process', method, fields, kind);
const files = (method: string, fields: Endpoint['fields'], kind?: Endpoint['kind']) =>
  rpc('filesystem.Filesystem', method, fields, kind);
const filesPath = fc.tuple(path, fc.constantFrom('', '&username=root', '&username=nobody', '&signature=v1_x', '&signature=')).map(([where, more]) => `/files?path=${encodeURIComponent(where.toWellFormed())}${more}`); // prettier-ignore
const control = (method: string, where: fc.Arbitrary<string>, fields: Endpoint['fields'] = {}): Endpoint => ({ port: 0, method, path: where, kind: 'json', fields }); // prettier-ignore
const ofVictim = (rest: string) => id.map((each) => `/sandboxes/${each}${rest}`);
const interpreter = (method: string, where: fc.Arbitrary<string>, fields: Endpoint['fields'] = {}): Endpoint => ({ ...control(method, where, fields), port: 49999 }); // prettier-ignore

/** Endpoints of one sandbox: its guest daemon and its code interpreter. */
export const SANDBOX_ENDPOINTS: Endpoint[] = [
  process('Start', { process: fc.oneof(fc.record({ cmd, args, envs, cwd: path }, { requiredKeys: ['cmd'] }), anything), pty: fc.oneof(fc.constant(undefined), size), tag: text, stdin: fc.boolean() }, 'stream'),
  process('Connect', { process: selector }, 'stream'),
  process('List', {}),
  process('SendInput', { process: selector, input: fc.oneof(fc.record({ stdin: fc.oneof(fc.base64String(), text) }), fc.record({ pty: text }), anything) }),
  process('StreamInput', { start: fc.record({ process: selector }), data: fc.record({ input: fc.record({ stdin: text }) }) }, 'stream'),
  process('CloseStdin', { process: selector }),
  process('SendSignal', { process: selector, signal: fc.oneof(fc.constantFrom<unknown>('SIGNAL_SIGTERM', 9, 'constructor'), anything) }),
  process('Update', { process: selector, pty: size }),
  ...['Stat', 'MakeDir', 'Remove'].map((method) => files(method, { path })),
  files('ListDir', { path, depth: fc.oneof(fc.integer({ min: 0, max: 3 }), number) }),
  files('Move', { source: path, destination: path }),
  files('WatchDir', { path, recursive: fc.boolean(), includeEntry: fc.boolean() }, 'stream'),
  files('CreateWatcher', { path, recursive: fc.boolean() }),
  files('GetWatcherEvents', { watcherId: text }),
  files('RemoveWatcher', { watcherId: text }),
  { port: 49983, method: 'GET', path: filesPath, kind: 'bytes', fields: {} },
  { port: 49983, method: 'POST', path: filesPath, kind: 'bytes', fields: {} },
  { port: 49983, method: 'POST', path: fc.oneof(at('/files'), filesPath), kind: 'form', fields: {} },
  interpreter('POST', at('/execute'), { code, language, env_vars: envs }),
  interpreter('POST', at('/execute'), { code, context_id: text }),
  interpreter('GET', at('/contexts')),
  interpreter('POST', at('/contexts'), { language, cwd: path }),
  interpreter('DELETE', contextId.map((each) => `/contexts/${each}`)),
  interpreter('POST', contextId.map((each) => `/contexts/${each}/restart`)),
]; // prettier-ignore

/** Endpoints of the control plane; `VICTIM` in a path stands for a sandbox that may be ended. */
export const CONTROL_ENDPOINTS: Endpoint[] = [
  control('POST', fc.constantFrom('/sandboxes', '/v2/sandboxes'), { templateID: fc.oneof(fc.constantFrom('base', 'nothing'), anything), timeout: number, metadata, envVars: envs, autoPause: anything, network: anything, volumeMounts: anything, mcp: anything, allow_internet_access: anything, secure: anything }),
  control('POST', fc.oneof(ofVictim('/connect'), id.map((each) => `/v2/sandboxes/${each}/connect`)), { timeout: number }),
  control('GET', fc.tuple(fc.constantFrom('metadata', 'state', 'startedAfter', 'template', 'order', 'limit', 'nextToken', 'x'), text).map(([name, value]) => `/v2/sandboxes?${name}=${encodeURIComponent(value.toWellFormed())}`)),
  control('GET', ofVictim('')),
  control('DELETE', ofVictim('')),
  control('POST', ofVictim('/timeout'), { timeout: number }),
  control('POST', ofVictim('/refreshes'), { duration: number }),
  control('GET', ofVictim('/metrics?start=-1&end=99999999999999999999')),
  control('POST', ofVictim('/pause'), { memory: anything }),
  control('POST', ofVictim('/resume'), { memory: fc.boolean(), timeout: number }),
  control('POST', ofVictim('/snapshots'), { name: fc.oneof(path, text) }),
  control('POST', ofVictim('/fork'), { count: fc.constantFrom(0, -1, 1e9, 101, 1.5, '2x', null, {}), timeout: number }),
  control('GET', fc.tuple(ofVictim('/logs'), fc.constantFrom('', 'cursor', 'start', 'limit'), text).map(([logs, name, value]) => `${logs}?${name}=${encodeURIComponent(value.toWellFormed())}`)),
  control('GET', fc.tuple(fc.constantFrom('sandboxID', 'name', 'limit', 'nextToken'), text).map(([name, value]) => `/snapshots?${name}=${encodeURIComponent(value.toWellFormed())}`)),
  control('POST', fc.constant('/v3/templates'), { name: fc.oneof(path, text), alias: anything, tags: anything, cpuCount: number }),
  control('POST', fc.constant('/templates/tags'), { target: text, tags: anything }),
  control('DELETE', fc.constant('/templates/tags'), { name: text, tags: anything }),
  control('DELETE', path.map((each) => `/templates/${encodeURIComponent(each.toWellFormed())}`)),
  control('GET', fc.tuple(path, path).map((each) => `/templates/${each.map((part) => encodeURIComponent(part.toWellFormed())).join('/files/')}`)),
  control('PUT', fc.tuple(path, text).map(([hash, token]) => `/templates/x/files/${encodeURIComponent(hash.toWellFormed())}?token=${encodeURIComponent(token.toWellFormed())}`), {}),
  control('GET', fc.tuple(fc.constantFrom('0', '1', '22', '8000', '65535', '65536', '99999', '-1'), path).map(([port, rest]) => `/sandboxes/VICTIM/ports/${port}/${encodeURI(rest.toWellFormed())}`)),
  control('PUT', ofVictim('/network'), { allowOut: anything, denyOut: anything, allow_internet_access: anything, rules: anything }),
  control('POST', fc.constant('/volumes'), { name: fc.oneof(path, text) }),
  control('POST', fc.constant('/secrets'), { name: fc.oneof(path, text), value: text, metadata }),
  control('POST', path.map((each) => `/secrets/${encodeURIComponent(each.toWellFormed())}`), { value: text, metadata: anything }),
  control('GET', fc.tuple(fc.constantFrom('/volumes/', '/secrets/'), path).map(([list, each]) => `${list}${encodeURIComponent(each.toWellFormed())}`)),
  control('DELETE', fc.tuple(fc.constantFrom('/volumes/', '/secrets/'), path).map(([list, each]) => `${list}${encodeURIComponent(each.toWellFormed())}`)),
  ...['GET', 'PUT', 'POST', 'PATCH', 'DELETE'].map((method) => control(method, fc.tuple(path, fc.constantFrom('file', 'dir', 'path'), path, fc.constantFrom('', '&depth=-1', '&mode=9e9&force=x', '&uid=99999999999')).map(([volume, kind, file, more]) => `/volumecontent/${encodeURIComponent(volume.toWellFormed())}/${kind}?path=${encodeURIComponent(file.toWellFormed())}${more}`), {})),
  control('GET', fc.tuple(fc.constantFrom('offset', 'limit', 'orderAsc', 'types'), text).map(([name, value]) => `/events/sandboxes?${name}=${encodeURIComponent(value.toWellFormed())}`)),
  control('POST', fc.constant('/events/webhooks'), { name: text, url: text, events: anything, signatureSecret: text, enabled: anything }),
  ...['GET', 'PATCH', 'DELETE'].map((method) => control(method, path.map((each) => `/events/webhooks/${encodeURIComponent(each.toWellFormed())}`))),
  control('POST', fc.constantFrom('/templates', '/v3/templates', '/v2/templates/x/builds/y', '/volumes', '/secrets', '/nothing', '/sandboxes/', '//', '/%')),
]; // prettier-ignore

function mostly<T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>, weight = 6): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: good }, { weight: 1, arbitrary: bad });
}

function jsonText(fields: Endpoint['fields']): fc.Arbitrary<string> {
  const known = fc.record(
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, mostly(value, anything)])),
    { requiredKeys: [] },
  );
  const whole = fc.oneof(known, known, known, anything).map((value) => JSON.stringify(value) ?? 'null');
  return mostly(
    whole,
    fc.oneof(deep, fc.string(), fc.constantFrom('', '{', '[]', '1e999', '{"a":1e99999}')),
    9,
  );
}

const frameHead = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(2 ** 31, 2 ** 32 - 1))).map(([flags, length]) => { const head = Buffer.alloc(5); head[0] = flags; head.writeUInt32BE(length, 1); return head; }); // prettier-ignore
const part = fc.tuple(fc.constantFrom('file', 'x', ''), path, fc.constantFrom('', 'x', 'y'.repeat(100_000), '\r\n--b', '\r\n--b--')).map(([name, filename, bytes]) => `--b\r\nContent-Disposition: form-data; name="${name}"; filename="${filename.toWellFormed()}"\r\n\r\n${bytes}\r\n`); // prettier-ignore

function bodyOf({ kind, fields }: Endpoint): fc.Arbitrary<Buffer> {
  const json = jsonText(fields);
  if (kind === 'json') return mostly(json.map(Buffer.from), fc.uint8Array({ maxLength: 200 }).map(Buffer.from), 12);
  if (kind === 'bytes') return fc.oneof(fc.uint8Array({ maxLength: 200 }).map(Buffer.from), fc.constant(Buffer.alloc(300_000)));
  if (kind === 'form') return fc.tuple(fc.array(part, { maxLength: 3 }), fc.constantFrom('--b--\r\n', '--b--', '--b', '', 'z'.repeat(70_000))).map(([parts, end]) => Buffer.from(parts.join('') + end));
  const frame = json.map((message) => { const head = Buffer.alloc(5); const bytes = Buffer.from(message); head.writeUInt32BE(bytes.length, 1); return Buffer.concat([head, bytes]); });
  const broken = fc.oneof(frameHead, fc.uint8Array({ maxLength: 60 }).map(Buffer.from), fc.constant(Buffer.from(messageFrame({}))));
  return fc.oneof({ weight: 5, arbitrary: frame }, { weight: 1, arbitrary: fc.array(fc.oneof(frame, broken), { maxLength: 4 }).map((frames) => Buffer.concat(frames)) });
} // prettier-ignore

const TYPES = { json: 'application/json', stream: 'application/connect+json', bytes: 'application/octet-stream', form: 'multipart/form-data; boundary=b' }; // prettier-ignore
const headerText = fc.stringMatching(/^[\x21-\x7e]{0,30}$/);
const oddHeaders = fc.record(
  {
    'content-type': fc.oneof(headerText, fc.constantFrom('application/proto', 'multipart/form-data', 'multipart/form-data; boundary=""', 'text/plain; charset=utf-7', '')),
    'x-access-token': headerText,
    'x-api-key': headerText,
    'e2b-traffic-access-token': headerText,
    'e2b-sandbox-id': fc.oneof(headerText, fc.constant('NEIGHBOUR')),
    'e2b-sandbox-port': fc.oneof(headerText, fc.constantFrom('0', '-1', '22', '99999999999', '49983.0', '0xc33f')),
    'connect-timeout-ms': fc.constantFrom('0', '1', '-1', '2147483648', '9999999999', '99999999999', 'soon', ''),
    'keepalive-ping-interval': fc.constantFrom('0', '1', '99999', '-5', 'x'),
    'content-encoding': fc.constantFrom('gzip', 'br', 'identity', 'gzip, gzip', ''),
    'accept-encoding': fc.constantFrom('gzip', 'identity', 'br;q=1', '*', ''),
    authorization: fc.oneof(headerText, fc.constantFrom('Basic', 'Basic !', 'Basic cm9vdDo=', 'Basic eDo=', 'Bearer x')),
    range: fc.constantFrom('bytes=0-0', 'bytes=-1', 'bytes=5-', 'bytes=99999999999999999999-', 'bytes=-0', 'bytes=1-0', 'lines=1', 'bytes=0-1,3-4'),
    'x-metadata-a': headerText,
    'x-metadata-__proto__': headerText,
    host: fc.oneof(headerText, fc.constantFrom('49983-x.local', '99999-iaaaaaaaaaaaaaaaaaaa.x', '[::1', 'a b')),
    expect: fc.constantFrom('100-continue', 'x'),
    te: fc.constant('trailers'),
  },
  { requiredKeys: [] },
); // prettier-ignore
// Two or three of them: with all at once every request would end at the first.
const fewHeaders = fc.tuple(oddHeaders, fc.integer({ min: 0, max: 2 }), fc.nat()).map(([headers, count, from]) => { const all = Object.entries(headers); return Object.fromEntries(Array.from({ length: Math.min(count, all.length) }, (_, index) => all[(from + index) % all.length] ?? ['x', ''])); }); // prettier-ignore

/** Requests to some of the endpoints. Every call has a limit of 1 s, unless its headers say another. */
export function oddRequest(endpoints: Endpoint[]): fc.Arbitrary<OddRequest & { port: Port }> {
  return fc.constantFrom(...endpoints).chain((endpoint) =>
    fc
      .record({
        method: mostly(fc.constant(endpoint.method), fc.constantFrom('GET', 'PUT', 'HEAD', 'OPTIONS', 'TRACE', 'PATCH', 'DELETE', 'PROPFIND'), 15),
        path: endpoint.path,
        headers: fewHeaders,
        body: bodyOf(endpoint),
        packed: mostly(fc.constant(false), fc.constant(true), 15),
        chunked: mostly(fc.constant(false), fc.constant(true)),
        cutAt: mostly(fc.constant(undefined), fc.nat({ max: 400 }), 12),
      })
      .map(({ packed, headers, body, ...rest }) => ({
        ...rest,
        port: endpoint.port,
        body: packed ? gzipSync(body) : body,
        headers: { 'content-type': TYPES[endpoint.kind], 'connect-timeout-ms': '1000', ...(packed ? { 'content-encoding': 'gzip' } : {}), ...headers },
      })),
  );
} // prettier-ignore
