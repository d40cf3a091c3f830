import type { Sandbox } from '@e2b/code-interpreter';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startNameServer, type TestNameServer } from '../support/name-server.ts';
import { startTestSandboxServer, type TestSandboxServer } from '../support/sandbox-server.ts';
import { attempts, NETWORKS, type Attempt, type Network } from './corpus.ts';
import { GUARDS } from './guards.ts';
import { LIMITS, NAMES, runAttempt, startAttacker, startNeighbour } from './neighbour.ts';
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
    let names: TestNameServer;
    const attackers = new Map<Network | undefined, Sandbox>();
    let neighbour: Sandbox;
    beforeAll(async () => {
      names = await startNameServer(NAMES);
      server = await startTestSandboxServer({
        args: [...LIMITS, '--allow-internet', '--dns', names.address],
      });
      neighbour = await startNeighbour(server);
      const port = Number(new URL(server.url).port);
      for (const network of [undefined, ...NETWORKS]) {
        attackers.set(network, await startAttacker(server, neighbour, port, network));
      }
    });
    afterAll(async () => {
      await server.stop();
      names.close();
    });

    test.each(ALL)('$name', async (attempt) =>
      expect(await runAttempt(attackers.get(attempt.network) as Sandbox, attempt)).toMatch(/^(held|ended: )/),
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
