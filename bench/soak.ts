// Mixed use of the local sandbox server for half an hour: does anything of it grow?
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Sandbox } from '@e2b/code-interpreter';
import { footprint } from '../test/support/footprint.ts';
import { startTestSandboxServer } from '../test/support/sandbox-server.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    clients: { type: 'string', default: '3' },
    svg: { type: 'string' },
  },
});
const minutes = Number(values.minutes);

interface Sample {
  minute: number;
  lives: number;
  rssMb: number;
  fds: number;
  processes: number;
}

const server = await startTestSandboxServer({ args: ['--warm', '2'] });
const { connection } = server;
const endAt = Date.now() + minutes * 60_000;
let lives = 0;
let failures = 0;

/** One sandbox's life: what a session of an agent does, with its mistakes. */
async function live(): Promise<void> {
  const sandbox = await Sandbox.create({ ...connection, envs: { A: 'b' } });
  try {
    await sandbox.runCode('import pandas as pd; frame = pd.DataFrame({"a": range(1000)})');
    await sandbox.runCode('frame.describe()');
    await sandbox.runCode('1 / 0');
    await sandbox.runCode('console.log(1)', { language: 'javascript' });
    await sandbox.files.write('data.txt', 'x'.repeat(200_000));
    await sandbox.files.read('data.txt');
    await sandbox.commands.run('seq 1000; ls -la /usr/bin | head -50');
    await sandbox.commands.run('exit 3').catch(() => undefined);
    await sandbox.commands.run('sleep 60', { timeoutMs: 200 }).catch(() => undefined);
    await sandbox.pause();
    await sandbox.connect();
    const [fork] = await sandbox.fork();
    if (fork instanceof Sandbox) await fork.kill();
    const { snapshotId } = await sandbox.createSnapshot();
    await Sandbox.deleteSnapshot(snapshotId, connection);
  } finally {
    await sandbox.kill();
  }
}

async function client(): Promise<void> {
  while (Date.now() < endAt) {
    try {
      await live();
      lives += 1;
    } catch (error) {
      failures += 1;
      console.error(String(error));
    }
  }
}

const samples: Sample[] = [];
const sample = (): void => {
  const { rssMb, ownFds, processes } = footprint(server.pid);
  samples.push({ minute: samples.length, lives, rssMb: Math.round(rssMb), fds: ownFds, processes });
  console.log(
    Object.entries(samples.at(-1) as Sample)
      .map((entry) => entry.join(' '))
      .join('  '),
  );
};
try {
  sample();
  const timer = setInterval(sample, 60_000);
  await Promise.all(Array.from({ length: Number(values.clients) }, client));
  clearInterval(timer);
  console.log(`${lives} lives of a sandbox, ${failures} failures`);
  if (values.svg !== undefined) writeFileSync(values.svg, graph());
} finally {
  await server.stop();
}

/** Three lines over time, each on a scale of its own from zero. */
function graph(): string {
  const lines: [keyof Sample, string, string][] = [
    ['rssMb', '#0b6', 'memory of the server, MiB'],
    ['fds', '#06c', 'its open files'],
    ['processes', '#c60', 'processes'],
  ];
  const drawn = lines.map(([name, colour, label], index) => {
    const top = Math.max(...samples.map((each) => each[name]));
    const points = samples.map(({ minute, [name]: value }) => {
      const x = 20 + (minute / Math.max(1, samples.length - 1)) * 560;
      return `${x.toFixed(1)},${(200 - (value / top) * 160).toFixed(1)}`;
    });
    return (
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.join(' ')}"/>` +
      `<text x="${20 + index * 200}" y="20" fill="${colour}">${label}: 0 to ${top}</text>`
    );
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 230" font-family="sans-serif" font-size="13">` +
    `<rect width="600" height="230" fill="#fff"/><path d="M20 40V200H580" fill="none" stroke="#888"/>${drawn.join('')}` +
    `<text x="20" y="220">minute 0 to ${samples.length - 1}: ${lives} sandboxes lived, ${failures} failures</text></svg>\n`
  );
}
