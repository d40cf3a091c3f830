import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig, sandboxOf } from '../src/config.ts';

/** No file of the person who runs the tests is read. */
const env = { HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent' };

describe('a configuration', () => {
  test('has defaults for everything but the key of the sandboxes', () => {
    const config = loadConfig({ env });
    expect(config).toMatchObject({
      temporal: { address: 'localhost:7233', namespace: 'default' },
      taskQueue: 'assay',
      shutdownGraceMs: 30_000,
      concurrency: 20,
    });
    expect(config.storeUrl).toBe(`${config.home}/store`);
    expect(() => sandboxOf(config)).toThrow(ConfigError);
  });

  test('takes flags before the environment', () => {
    const given = {
      ...env,
      TEMPORAL_ADDRESS: 'a:1',
      TEMPORAL_NAMESPACE: 'n',
      ASSAY_TASK_QUEUE: 'q',
      E2B_API_KEY: 'k',
    };
    const config = loadConfig({ env: given, flags: { address: 'b:2', sandbox: { apiUrl: 'http://x' } } });
    expect(config).toMatchObject({
      temporal: { address: 'b:2', namespace: 'n' },
      taskQueue: 'q',
      sandbox: { apiKey: 'k', apiUrl: 'http://x' },
    });
  });

  test("an API key of Temporal's cloud turns TLS on", () => {
    const { temporal } = loadConfig({ env: { ...env, TEMPORAL_ADDRESS: 'a:1', TEMPORAL_API_KEY: 'secret' } });
    expect(temporal).toMatchObject({ apiKey: 'secret', tls: true });
  });

  test('an empty variable is none', () => {
    expect(loadConfig({ env: { ...env, E2B_API_KEY: '', ASSAY_TASK_QUEUE: '' } })).toMatchObject({
      taskQueue: 'assay',
      sandbox: undefined,
    });
  });

  test.each([
    [{ E2B_API_URL: 'ftp://x' }, 'E2B_API_URL must be an http or https URL'],
    [{ ASSAY_CONCURRENCY: 'many' }, 'ASSAY_CONCURRENCY must be a number'],
    [{ ASSAY_CONCURRENCY: '0' }, 'ASSAY_CONCURRENCY must be at least 1'],
    [{ ASSAY_SHUTDOWN_GRACE_MS: '-1' }, 'ASSAY_SHUTDOWN_GRACE_MS must be at least 0'],
    [{ TEMPORAL_PROFILE: 'nope' }, "Temporal's profile cannot be read"],
  ])('%j is refused', (wrong, message) => {
    expect(() => loadConfig({ env: { ...env, ...wrong } })).toThrow(message);
  });
});
