import type { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';
import { attempts, type Attempt } from './corpus.ts';
import { GUARDS } from './guards.ts';
import { LIMITS, runAttempt, startAttacker, startNeighbour } from './neighbour.ts';
import { runInside } from './outer.ts';

const ALL = attempts();

// The attempts call the kernel by numbers, which are those of one architecture.
describe.runIf(process.arch === 'x64')('escapes', () => {
  test('there are enough of them, each against a guard that is known', () => {
    expect(ALL.length).toBeGreaterThanOrEqual(60);
    expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
    expect(new Set(ALL.map(({ guard }) => guard))).toEqual(new Set(Object.keys(GUARDS)));
  });

  describe('against the server as it runs here', () => {
    let server: TestSandboxServer;
    let attacker: Sandbox;
    let neighbour: Sandbox;
    beforeAll(async () => {
      server = await startTestSandboxServer({ args: LIMITS });
      neighbour = await startNeighbour(server);
      attacker = await startAttacker(server, neighbour, Number(new URL(server.url).port));
    });
    afterAll(() => server.stop());

    test.each(ALL)('$name', async (attempt) =>
      expect(await runAttempt(attacker, attempt)).toMatch(/^(held|ended: )/),
    );
    test('the neighbour is left in peace', async () => {
      expect((await neighbour.commands.run('cat ready')).stdout).toBe('in peace');
    });
  });

  test('none gets out of the server of an ordinary user', { timeout: 300_000 }, async () => {
    const said = await runInside(ALL, []);
    expect(said['neighbour']).toBe('in peace');
    expect(ALL.filter(({ name }) => said[name]?.startsWith('ESCAPED') !== false)).toEqual([]);
  });

  test.each(Object.entries(GUARDS))(
    'without %s each that it holds gets out',
    { timeout: 300_000 },
    async (guard, changes) => {
      const held = ALL.filter((attempt) => attempt.guard === guard);
      const said = await runInside(held, changes);
      const unproved = held.filter(({ name }) => !said[name]?.startsWith('ESCAPED'));
      for (const { name } of unproved.filter(byMachine))
        console.log(`not proved on this machine: ${name}: ${said[name]}`);
      expect(
        unproved.filter((attempt) => !byMachine(attempt)).map(({ name }) => `${name}: ${said[name]}`),
      ).toEqual([]);
    },
  );
});

const byMachine = ({ machineDependent }: Attempt): boolean => machineDependent;
