import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';

import { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { startOwnInternet, type OwnInternet } from '../../support/own-internet.ts';

const OUTSIDE = '203.0.113.7';
const OUTSIDE_6 = '2001:db8::7';
const ECHO = 5432;
const GREETER = 22;
const HELD = 6379;
const SOURCE = 873;
const BYTES = 50_000_000;

let internet: OwnInternet;
let connection: OwnInternet['connection'];
let sandbox: Sandbox;
const servers: Server[] = [];
const held: Socket[] = [];
const seen: string[] = [];
const sources: Socket[] = [];

/** Serves an address of the internet of these tests. */
async function serve(address: string, port: number, onSocket: (socket: Socket) => void): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    seen.push(`${address} ${port}`);
    onSocket(socket.on('error', () => undefined));
  });
  servers.push(server);
  await internet.serve(server, address, port);
}

beforeAll(async () => {
  internet = await startOwnInternet(['--allow-address', '10.9.0.0/16']);
  connection = internet.connection;
  await serve(OUTSIDE, 443, (socket) => socket.pipe(socket));
  for (const address of [OUTSIDE, OUTSIDE_6]) await serve(address, ECHO, (socket) => socket.pipe(socket));
  await serve(OUTSIDE, GREETER, (socket) => socket.end('welcome\n'));
  await serve(OUTSIDE, HELD, (socket) => void held.push(socket.resume().on('end', () => socket.end())));
  await serve(OUTSIDE, SOURCE, (socket) => {
    sources.push(socket);
    socket.resume();
    let left = BYTES;
    const more = (): void => {
      while (left > 0) {
        left -= 100_000;
        if (!socket.write(Buffer.alloc(100_000, 'x'))) return void socket.once('drain', more);
      }
      socket.end();
    };
    more();
  });
  const web = createHttpServer((_, answer) => answer.end('web'));
  servers.push(web);
  await internet.serve(web, OUTSIDE, 80);
  await serve('203.0.113.8', ECHO, (socket) => socket.pipe(socket));
  sandbox = await Sandbox.create({ ...connection, allowInternetAccess: true });
});
beforeEach(() =>
  internet.setNames({
    'A db.example.com': [OUTSIDE],
    'A other.example.com': ['203.0.113.8'],
    'A inner.example.com': ['10.1.2.3'],
    'A both.example.com': ['10.1.2.3', OUTSIDE],
    'AAAA db.example.com': [OUTSIDE_6],
    'TXT db.example.com': ['a text'],
    'SRV _db._tcp.example.com': [{ priority: 1, weight: 2, port: ECHO, target: 'db.example.com' }],
    'A many.example.com': Array.from({ length: 60 }, (_, i) => `203.0.113.${i + 100}`),
  }),
);
afterAll(async () => {
  await internet.stop();
  for (const server of servers) server.close();
});

/** Runs a Python program inside; what it prints. */
async function python(program: string, where = sandbox, timeoutMs = 60_000): Promise<string> {
  const name = `/tmp/${Math.random().toString(36).slice(2)}.py`;
  await where.files.write(name, `import socket, sys, time, struct, os\n${program}`);
  return (await where.commands.run(`python3 ${name} 2>&1 || true`, { timeoutMs })).stdout.trim();
}

/** Sends a word to an address and says what comes back, or how it failed, and whether that was at once. */
const say = (address: string, port = ECHO): string => `
start = time.monotonic()
try:
    with socket.create_connection(('${address}', ${port}), 10) as s:
        s.settimeout(10); s.sendall(b'word'); said = s.recv(100).decode() or 'end'
except OSError as error: said = type(error).__name__
print(said, 'at once' if time.monotonic() - start < 2 else 'late')`;

test('programs of any kind reach an address and a name by raw TCP', async () => {
  expect(await python(say(OUTSIDE))).toBe('word at once');
  expect(await python(say('db.example.com'))).toBe('word at once');
  expect(await python(say(OUTSIDE_6))).toBe('word at once');
  expect(await python(say(OUTSIDE, GREETER))).toBe('welcome\n at once');
  const node = `const s = require('net').connect(${ECHO}, 'db.example.com', () => s.write('from node')); s.on('data', (d) => { console.log(String(d)); s.end() })`;
  await sandbox.files.write('/tmp/a.cjs', node);
  expect((await sandbox.commands.run('node /tmp/a.cjs')).stdout).toBe('from node\n');
  const bash = `exec 3<>/dev/tcp/db.example.com/${ECHO}; echo from bash >&3; head -1 <&3; exec 3>&-`;
  expect((await sandbox.runCode(bash, { language: 'bash' })).logs.stdout.join('')).toBe('from bash\n');
  const urllib = `import urllib.request; print(urllib.request.urlopen('http://db.example.com/').read())`;
  expect(await python(urllib)).toBe("b'web'");
  await sandbox.files.write(
    '/tmp/b.mjs',
    `console.log(await (await fetch('http://db.example.com/')).text())`,
  );
  expect((await sandbox.commands.run('node /tmp/b.mjs')).stdout).toBe('web\n');
  expect((await sandbox.commands.run('env')).stdout).not.toMatch(/proxy/i);
});

test('each side may end before the other', async () => {
  const program = `
s = socket.create_connection(('${OUTSIDE}', ${ECHO})); s.sendall(b'x' * 1000000); s.shutdown(socket.SHUT_WR)
print(sum(map(len, iter(lambda: s.recv(65536), b''))))`;
  expect(await python(program)).toBe('1000000');
});

test('names are looked up as anywhere', async () => {
  expect(await python(`print(socket.getaddrinfo('DB.example.com', 80, type=socket.SOCK_STREAM))`)).toContain(
    `('${OUTSIDE}', 80)`,
  );
  expect(await python(`print(socket.gethostbyname('nope.example.com'))`)).toContain('gaierror: [Errno -2]');
  expect(await python(`print(len(socket.gethostbyname_ex('many.example.com')[2]))`)).toBe('60');
  const dns = `const dns = require('dns').promises; (async () => {
    console.log(JSON.stringify([await dns.resolve4('db.example.com'), await dns.resolveTxt('db.example.com'), (await dns.resolveSrv('_db._tcp.example.com')).map(({ port, name }) => [port, name]),
      await dns.resolveMx('db.example.com').catch((e) => e.code)])) })()`;
  await sandbox.files.write('/tmp/dns.cjs', dns);
  expect(JSON.parse((await sandbox.commands.run('node /tmp/dns.cjs')).stdout)).toEqual([
    [OUTSIDE],
    [['a text']],
    [[ECHO, 'db.example.com']],
    'ENODATA',
  ]);
});

test('whatever name server a program asks, it is this one that answers, by datagrams and by connections', async () => {
  const program = `
query = b'\\x12\\x34\\x01\\0\\0\\1\\0\\0\\0\\0\\0\\0' + b'\\2db\\7example\\3com\\0' + b'\\0\\1\\0\\1'
for family, address in ((socket.AF_INET, '8.8.8.8'), (socket.AF_INET6, '2001:4860:4860::8888'), (socket.AF_INET, '127.77.0.1')):
    u = socket.socket(family, socket.SOCK_DGRAM); u.settimeout(5); u.sendto(query, (address, 53))
    answer, peer = u.recvfrom(2000); print(socket.inet_ntoa(answer[-4:]), peer[0])
    t = socket.create_connection((address, 53), 5); t.sendall(struct.pack('>H', len(query)) + query)
    size = struct.unpack('>H', t.recv(2))[0]; print(socket.inet_ntoa(t.recv(size)[-4:]))`;
  expect((await python(program)).split('\n')).toEqual(
    ['8.8.8.8', '2001:4860:4860::8888', '127.77.0.1'].flatMap((each) => [`${OUTSIDE} ${each}`, OUTSIDE]),
  );
});

test('addresses of this machine, of private networks and of metadata services are refused at once', async () => {
  seen.length = 0;
  const refused = ['10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '240.0.0.1'];
  for (const address of [...refused, 'fd00::1', '64:ff9b::a01:203', '2002:a01:203::1', '::ffff:10.1.2.3']) {
    expect(await python(say(address)), address).toMatch(/^(ConnectionResetError|BrokenPipeError) at once$/);
  }
  for (const address of ['127.0.0.1', '127.9.9.9', '0.0.0.0', '::1', 'localhost']) {
    expect(await python(say(address)), address).toBe('ConnectionRefusedError at once');
  }
  expect(seen).toEqual([]);
  const reasons = (await internet.log()).filter(({ event }) => event === 'egress.refused');
  expect(reasons.at(0)?.['reason']).toBe('10.1.2.3 is on this machine or a private network');
});

test('a name for a private address has none, and of several the public ones', async () => {
  expect(await python(`print(socket.gethostbyname('inner.example.com'))`)).toContain('gaierror: [Errno -5]');
  expect(await python(`print(socket.gethostbyname_ex('both.example.com')[2])`)).toBe(`['${OUTSIDE}']`);
});

test('nothing that does not answer or listen is waited for, and datagrams go nowhere', async () => {
  expect(await python(say(OUTSIDE, 1))).toMatch(/^(ConnectionResetError|BrokenPipeError) at once$/);
  const program = `
for address in ('203.0.113.7', '8.8.8.8'):
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(5); u.connect((address, 123))
    try: u.send(b'x'); u.recv(10)
    except OSError as error: print(type(error).__name__)`;
  expect(await python(program)).toBe('ConnectionRefusedError\nConnectionRefusedError');
  await internet.setNames({}, true);
  const start = performance.now();
  expect(await python(`print(socket.gethostbyname('silent.example.com'))`)).toContain('gaierror: [Errno -3]');
  expect(performance.now() - start).toBeLessThan(25_000);
}, 60_000);

test('a sandbox without internet access has no route and no names', async () => {
  const shut = await Sandbox.create(connection);
  seen.length = 0;
  await internet.askedNames();
  expect(await python(say(OUTSIDE), shut)).toBe('OSError at once');
  expect(await python(say('db.example.com'), shut)).toBe('gaierror at once');
  expect(await python(`print(open('/proc/net/route').read().count('\\n'))`, shut)).toBe('1');
  expect(seen).toEqual([]);
  expect(await internet.askedNames()).toEqual([]);
  await shut.kill();
});

test('rules go by address and by the name that was looked up, and can be changed', async () => {
  const ruled = await Sandbox.create({
    ...connection,
    network: { denyOut: ['0.0.0.0/0'], allowOut: ['db.example.com'] },
  });
  await internet.askedNames();
  const refused = /^(ConnectionResetError|BrokenPipeError) at once$/;
  // Nobody has looked it up yet.
  expect(await python(say(OUTSIDE), ruled)).toMatch(refused);
  expect(await python(say('db.example.com'), ruled)).toBe('word at once');
  expect(await python(say(OUTSIDE), ruled)).toBe('word at once');
  expect(await python(say(OUTSIDE_6), ruled)).toMatch(refused);
  expect(await python(say('203.0.113.8'), ruled)).toMatch(refused);
  // What may not be reached by any address is not even asked for.
  expect(await python(say('other.example.com'), ruled)).toBe('gaierror at once');
  expect(new Set(await internet.askedNames())).toEqual(new Set(['db.example.com']));

  await ruled.updateNetwork({ denyOut: ['203.0.113.8/31'] });
  expect(await python(say('other.example.com'), ruled)).toMatch(refused);
  expect(await python(say(OUTSIDE), ruled)).toBe('word at once');
  await ruled.updateNetwork({ denyOut: ['0.0.0.0/0'], allowOut: ['203.0.113.8'] });
  expect(await python(say('other.example.com'), ruled)).toBe('word at once');
  expect(await python(say('db.example.com'), ruled)).toMatch(refused);
  await ruled.kill();
});

test('where an address is permitted for a name alone, it is this name that has to be asked for', async () => {
  const network = { denyOut: ['0.0.0.0/0'], allowOut: ['db.example.com'] };
  const ruled = await Sandbox.create({ ...connection, network });
  const ask = (port: number, bytes: string): string => `
import ssl
def hello(name):
    out = ssl.MemoryBIO(); context = ssl.create_default_context(); context.check_hostname = False
    try: context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError: return out.read()
start = time.monotonic()
try:
    with socket.create_connection((socket.gethostbyname('db.example.com'), ${port}), 10) as s:
        sent = ${bytes}
        for i in range(0, len(sent), 100): s.sendall(sent[i:i + 100])
        s.settimeout(10); said = s.recv(4096); print(said == sent[:len(said)] if ${port} == 443 else said[-3:], end=' ')
except OSError as error: print(type(error).__name__, end=' ')
print('at once' if time.monotonic() - start < 2 else 'late')`;
  const get = (host: string): string =>
    `b'GET / HTTP/1.1\\r\\nHost: ${host}\\r\\nConnection: close\\r\\n\\r\\n'`;
  const refused = /^(ConnectionResetError|BrokenPipeError) at once$/;
  expect(await python(ask(443, `hello('db.example.com')`), ruled)).toBe('True at once');
  expect(await python(ask(443, `hello('evil.example.org')`), ruled)).toMatch(refused);
  expect(await python(ask(443, `hello(None)`), ruled)).toMatch(refused);
  expect(await python(ask(443, `b'SSH-2.0-x\\r\\n'`), ruled)).toMatch(refused);
  expect(await python(ask(80, get('db.example.com')), ruled)).toBe("b'web' at once");
  expect(await python(ask(80, get('evil.example.org')), ruled)).toMatch(refused);
  expect(await python(ask(80, get(OUTSIDE)), ruled)).toMatch(refused);
  // Who says nothing is not waited for without end.
  expect(await python(ask(443, `b''`), ruled)).toMatch(/^ConnectionResetError late$/);
  await ruled.updateNetwork({ denyOut: ['0.0.0.0/0'], allowOut: ['db.example.com', OUTSIDE] });
  expect(await python(ask(443, `hello('evil.example.org')`), ruled)).toBe('True at once');
  await ruled.kill();
});

test('a change of rules cuts what they no longer permit, and leaves the rest', async () => {
  const ruled = await Sandbox.create({ ...connection, allowInternetAccess: true });
  held.length = 0;
  const program = `
s = socket.create_connection(('${OUTSIDE}', ${HELD})); other = socket.create_connection(('203.0.113.8', ${ECHO}))
s.settimeout(20)
try: print(s.recv(1))
except OSError as error: print(type(error).__name__)
other.sendall(b'still'); print(other.recv(10))`;
  const waiting = python(program, ruled);
  await expect.poll(() => held.length, { timeout: 10_000 }).toBe(1);
  await ruled.updateNetwork({ denyOut: [OUTSIDE] });
  expect(await waiting).toBe("ConnectionResetError\nb'still'");
  await ruled.kill();
});

/** The most memory that the server has had. */
const peakMb = (where = internet): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${where.pid}/status`, 'utf8'))?.[1]) / 1024;

test('50 MB go through whole, in memory that stays', async () => {
  const program = `
s = socket.create_connection(('${OUTSIDE}', ${SOURCE})); time.sleep(1)
print(sum(map(len, iter(lambda: s.recv(262144), b''))))`;
  await python(program);
  const beforeMb = peakMb();
  expect(await python(program)).toBe(String(BYTES));
  expect(peakMb() - beforeMb).toBeLessThan(25);
});

test('what an outside does not take waits in the sandbox, and not in the server', async () => {
  // A server that has not grown by anything else.
  const own = await startOwnInternet();
  const stuck = createServer((socket) => void socket.on('error', () => undefined).pause());
  servers.push(stuck);
  await own.serve(stuck, OUTSIDE, ECHO);
  const greedy = await Sandbox.create({ ...own.connection, allowInternetAccess: true });
  const beforeMb = peakMb(own);
  const program = `
import select
ones = [socket.create_connection(('${OUTSIDE}', ${ECHO})) for _ in range(256)]
for each in ones: each.setblocking(False)
until = time.monotonic() + 6
while time.monotonic() < until:
    for each in select.select([], ones, [], 1)[1]:
        try: each.send(b'x' * 65536)
        except OSError: pass
print('full')`;
  expect(await python(program, greedy)).toBe('full');
  // 8 to 20 MB are on their way, in buffers of a few times that; without a bound of all together it were 64, and 200.
  expect(peakMb(own) - beforeMb).toBeLessThan(140);
  await own.stop();
});

test('200 connections at once are served, and of too many the last are refused', async () => {
  const program = `
import asyncio
async def one(i):
    reader, writer = await asyncio.open_connection('${OUTSIDE}', ${ECHO})
    writer.write(b'%d ' % i)
    return await reader.readuntil(b' ') == b'%d ' % i and writer
async def everyone():
    # Their ends are kept, so that all are open at once.
    writers = await asyncio.gather(*map(one, range(200)))
    print(sum(map(bool, writers)))
asyncio.run(everyone())`;
  expect(await python(program)).toBe('200');
  const many = `
open_ones = []
for i in range(400):
    s = socket.create_connection(('${OUTSIDE}', ${ECHO})); s.settimeout(20)
    try: s.sendall(b'x'); open_ones.append(s) if s.recv(1) == b'x' else print('end')
    except OSError: break
print(len(open_ones))
open_ones.pop().close(); time.sleep(0.5)
s = socket.create_connection(('${OUTSIDE}', ${ECHO})); s.sendall(b'y'); print(s.recv(1))`;
  expect(await python(many)).toBe("256\nb'y'");
});

test('of what all sandboxes may have together one leaves the others their share', async () => {
  const own = await startOwnInternet(['--max-connections', '40']);
  const echo = createServer((socket) => void socket.on('error', () => undefined).pipe(socket));
  servers.push(echo);
  await own.serve(echo, OUTSIDE, ECHO);
  const program = `
ones = []
while True:
    s = socket.create_connection(('${OUTSIDE}', ${ECHO})); s.settimeout(20)
    try: s.sendall(b'x'); s.recv(1); ones.append(s)
    except OSError: break
print(len(ones), flush=True); time.sleep(60)`;
  const greedy = await Sandbox.create({ ...own.connection, allowInternetAccess: true });
  await greedy.files.write('/tmp/greedy.py', `import socket, time\n${program}`);
  const holding = await greedy.commands.run('python3 /tmp/greedy.py', { background: true });
  await expect.poll(() => holding.stdout, { timeout: 20_000 }).toBe('20\n');
  const other = await Sandbox.create({ ...own.connection, allowInternetAccess: true });
  expect(await python(`${program.replace('60', '0')}`, other)).toBe('10');
  expect((await own.log()).some(({ reason }) => String(reason).includes('all sandboxes together'))).toBe(
    true,
  );
  await greedy.kill();
  await expect.poll(() => python(program.replace('60', '0'), other), { timeout: 20_000 }).toBe('20');
  await own.stop();
});

test('who is killed on one side is gone on the other', async () => {
  const victim = await Sandbox.create({ ...connection, allowInternetAccess: true });
  held.length = 0;
  const hold = `s = socket.create_connection(('${OUTSIDE}', ${HELD})); s.sendall(b'x'); time.sleep(100)`;
  await victim.files.write('/tmp/hold.py', `import socket, time\n${hold}`);
  const command = await victim.commands.run('exec python3 /tmp/hold.py', { background: true });
  await victim.commands.run('python3 /tmp/hold.py', { background: true });
  await expect.poll(() => held.length, { timeout: 10_000 }).toBe(2);
  await command.kill();
  await expect
    .poll(() => held.filter(({ readableEnded, destroyed }) => readableEnded || destroyed).length, {
      timeout: 10_000,
    })
    .toBe(1);
  await victim.kill();
  await expect
    .poll(() => held.filter(({ readableEnded, destroyed }) => readableEnded || destroyed).length, {
      timeout: 10_000,
    })
    .toBe(2);

  // An answer that is cut is not taken for whole.
  sources.length = 0;
  const program = `
s = socket.create_connection(('${OUTSIDE}', ${SOURCE})); s.recv(1000)
print('first', flush=True); time.sleep(2)
try:
    while s.recv(65536): pass
    print('end')
except OSError as error: print(type(error).__name__)`;
  const reading = python(program);
  await expect.poll(() => sources.length, { timeout: 10_000 }).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 700));
  await internet.reset(SOURCE);
  expect(await reading).toBe('first\nConnectionResetError');
});

test('the way out is there again after a pause, and in a fork', async () => {
  for (const keepMemory of [true, false]) {
    await sandbox.pause({ keepMemory });
    await sandbox.connect();
    expect(await python(say('db.example.com'))).toBe('word at once');
  }
  const [fork] = await sandbox.fork();
  if (!(fork instanceof Sandbox)) throw fork;
  expect(await python(say('db.example.com'), fork)).toBe('word at once');
  await fork.kill();
});

test('questions that are none, and floods of them, do no harm', async () => {
  const program = `
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
name = b'\\2db\\7example\\3com\\0'
heads = [b'\\1\\2\\1\\0' + struct.pack('>4H', *counts) for counts in ((1, 0, 0, 0), (65535, 0, 0, 0), (0, 0, 0, 0), (1, 65535, 65535, 65535), (1, 0, 0, 2))]
bodies = [b'', b'\\xc0\\x0c', b'\\xc0\\x0e\\xc0\\x0c\\0\\1\\0\\1', b'\\x3f' + b'a' * 63 + b'\\0', b'\\x3f' * 300, b'\\0\\0\\1\\0\\1', b'\\3a.b\\0\\0\\1\\0\\1',
    b''.join(b'\\x3f' + b'a' * 63 for _ in range(5)) + b'\\0\\0\\1\\0\\1', b'\\2\\xff\\xfe\\0\\0\\1\\0\\1', b'\\1a' * 120 + b'\\1\\x7f\\0\\0\\1\\0\\1', name + b'\\0\\xff\\0\\1', name + b'\\0\\1\\0\\xff', os.urandom(400)]
for head in heads:
    for body in bodies: u.sendto(head + body, ('127.77.0.1', 53))
u.sendto(b'', ('127.77.0.1', 53)); u.sendto(b'x' * 60000, ('127.77.0.1', 53)); u.sendto(b'\\x81' * 40, ('127.77.0.1', 53))
for size in (0, 1, 511, 65535):
    t = socket.create_connection(('127.77.0.1', 53)); t.sendall(struct.pack('>H', size) + b'x' * min(size, 600)); t.close()
half = socket.create_connection(('127.77.0.1', 53)); half.sendall(b'\\0')
start = time.monotonic()
while time.monotonic() - start < 3: u.sendto(b'\\1\\2\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0' + name + b'\\0\\1\\0\\1', ('127.77.0.1', 53))
print('done')`;
  const neighbour = await Sandbox.create({ ...connection, allowInternetAccess: true });
  const flooding = python(program);
  expect(await python(say('db.example.com'), neighbour)).toBe('word at once');
  expect(await flooding).toBe('done');
  // Those that were asked at once and a hundred a second: what is sent beyond that is never asked for.
  expect((await internet.askedNames()).length).toBeLessThan(1_500);
  await expect.poll(() => python(say('db.example.com')), { timeout: 20_000 }).toMatch(/^word/);
  await neighbour.kill();
}, 90_000);
