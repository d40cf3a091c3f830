// A large file into a sandbox and out of it, by the SDK and by signed URLs, and what that takes of memory: `npm run bench -- streams --mb 2048`.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Sandbox } from '@e2b/code-interpreter';
import { startTestSandboxServer } from '../test/support/sandbox-server.ts';
import { timeMs } from './figures.ts';

const { values } = parseArgs({ options: { mb: { type: 'string', default: '2048' } } });
const MB = 1 << 20;
const sizeMb = Number(values.mb);
const chunk = randomBytes(MB);

const server = await startTestSandboxServer({
  packages: false,
  args: ['--home-mb', String(sizeMb + 64), '--memory-mb', String(2 * sizeMb + 512)],
});
/** What a process has of its own: pages of a file that it serves belong to the sandbox's disk. */
const ownMb = (pid: number): number =>
  Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
const descendants = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((child) => child !== '')
    .flatMap((child) => [Number(child), ...descendants(Number(child))]);

function upload(): ReadableStream<Uint8Array> {
  let left = sizeMb;
  return new ReadableStream({
    pull: (controller) => (left-- > 0 ? controller.enqueue(chunk) : controller.close()),
  });
}

async function expectAll(stream: AsyncIterable<Uint8Array>): Promise<void> {
  let bytes = 0;
  for await (const piece of stream) {
    if (piece[0] !== chunk[bytes % MB]) throw new Error(`another byte at ${bytes}`);
    bytes += piece.length;
  }
  if (bytes !== sizeMb * MB) throw new Error(`${bytes} bytes came back`);
}

async function expectOk(answer: Promise<Response>): Promise<Response> {
  const response = await answer;
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response;
}

try {
  const sandbox = await Sandbox.create({ ...server.connection, timeoutMs: 3_600_000 });
  const guests = descendants(server.pid);
  console.log(`| ${sizeMb} MiB | MiB/s | server grows by | its guests by |\n|---|---|---|---|`);
  const measure = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const all = [server.pid, ...guests];
    const before = all.map(ownMb);
    const growth = all.map(() => 0);
    const sample = (): void =>
      all.forEach((pid, i) => (growth[i] = Math.max(growth[i] ?? 0, ownMb(pid) - (before[i] ?? 0))));
    const timer = setInterval(sample, 50);
    const tookMs = await timeMs(work).finally(() => clearInterval(timer));
    const [own = 0, ...theirs] = growth;
    const rate = ((sizeMb / tookMs) * 1000).toFixed(0);
    console.log(`| ${what} | ${rate} | ${own.toFixed(0)} MiB | ${Math.max(...theirs).toFixed(0)} MiB |`);
  };
  await measure('files.write(stream)', () => sandbox.files.write('large', upload()));
  await measure('files.read(stream)', async () =>
    expectAll(await sandbox.files.read('large', { format: 'stream' })),
  );
  await sandbox.files.remove('large');
  const to = await sandbox.uploadUrl('large');
  const put: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: upload(),
    duplex: 'half',
  };
  await measure('upload to a signed URL', () => expectOk(fetch(to, put)));
  const from = await sandbox.downloadUrl('large');
  await measure('download from a signed URL', async () =>
    expectAll((await expectOk(fetch(from))).body as AsyncIterable<Uint8Array> & ReadableStream<Uint8Array>),
  );
} finally {
  await server.stop();
}
