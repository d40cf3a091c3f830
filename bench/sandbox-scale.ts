// Many sandboxes of the local server: at once, idle, and one after the other.
import { parseArgs } from 'node:util';
import { Sandbox } from '@e2b/code-interpreter';
import { countFiles, footprint, pssMb } from '../test/support/footprint.ts';
import { startTestSandboxServer } from '../test/support/sandbox-server.ts';
import { timeMs } from './figures.ts';

const { values } = parseArgs({
  options: {
    'at-once': { type: 'string', default: '100' },
    idle: { type: 'string', default: '200' },
    cycles: { type: 'string', default: '1000' },
  },
});

const server = await startTestSandboxServer({ args: ['--max-sandboxes', '1000'] });
const { connection } = server;
const create = (): Promise<Sandbox> => Sandbox.create({ ...connection, timeoutMs: 3_600_000 });
const killAll = (all: Sandbox[]): Promise<unknown> => Promise.all(all.map((sandbox) => sandbox.kill()));
const expectTwo = ({ text }: { text?: string | undefined }): void => {
  if (text !== '2') throw new Error(`1 + 1 is ${text}`);
};
/** Waits until what was killed is gone: of many at once the last take a while. */
const settled = async (): Promise<void> => {
  for (let last = -1, now = 0; now !== last;) {
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    now = footprint(server.pid).processes;
  }
};
try {
  // What is loaded once is loaded.
  const first = await create();
  expectTwo(await first.runCode('1 + 1'));
  await first.kill();

  const atOnce = Number(values['at-once']);
  const many: Sandbox[] = [];
  const durationMs = await timeMs(() =>
    Promise.all(
      Array.from({ length: atOnce }, async () => {
        const sandbox = await create();
        many.push(sandbox);
        expectTwo(await sandbox.runCode('1 + 1'));
      }),
    ),
  );
  console.log(
    `${atOnce} sandboxes created at once, until all have answered: ${(durationMs / 1000).toFixed(2)} s`,
  );
  await killAll(many);

  const idle: Sandbox[] = [];
  const emptyMb = pssMb(server.pid);
  for (let made = 0; made < Number(values.idle); made++) {
    const sandbox = await create();
    idle.push(sandbox);
    expectTwo(await sandbox.runCode('1 + 1'));
  }
  const fullMb = pssMb(server.pid);
  console.log(
    `${idle.length} idle sandboxes with an interpreter each: ${Math.round(fullMb)} MiB PSS in all, ` +
      `${((fullMb - emptyMb) / idle.length).toFixed(1)} each, ${Math.round(emptyMb)} without any`,
  );
  await killAll(idle);

  await settled();
  const before = { ...footprint(server.pid), files: countFiles(server.stateDir), pssMb: pssMb(server.pid) };
  for (let cycle = 0; cycle < Number(values.cycles); cycle++) {
    const sandbox = await create();
    expectTwo(await sandbox.runCode('1 + 1'));
    await sandbox.commands.run('true');
    await sandbox.kill();
  }
  await settled();
  const after = { ...footprint(server.pid), files: countFiles(server.stateDir), pssMb: pssMb(server.pid) };
  console.log(`before and after ${values.cycles} cycles of create, run, kill:`);
  for (const [name, value] of Object.entries(before)) {
    console.log(
      `  ${name.padEnd(10)} ${Math.round(value)} → ${Math.round(after[name as keyof typeof after])}`,
    );
  }
} finally {
  await server.stop();
}
