import { defineConfig } from 'vitest/config';

/** Tests that need Temporal's server and a sandbox server, which are started once for all of them. */
const NEED_SERVERS = ['test/{client,faults,histories,integration,workflows,worker}/**/*.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    // Two cores are the least that a machine has; more workers than that only make the servers slow.
    maxWorkers: 2,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: NEED_SERVERS,
          testTimeout: 90_000,
          globalSetup: ['test/support/temp-folder.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: NEED_SERVERS,
          testTimeout: 180_000,
          globalSetup: ['test/support/temp-folder.ts', 'test/support/global-servers.ts'],
        },
      },
    ],
  },
});
