import { availableParallelism } from 'node:os';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError, loadConfig, sandboxOf } from '../src/config.ts';
import { assayHome } from '../src/home.ts';
import { namesServer } from '../src/temporal-profile.ts';

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
      shards: availableParallelism(),
    });
    expect(config.home).toBe(assayHome(env));
    expect(config.storeUrl).toBe(`${config.home}/store`);
    expect(() => sandboxOf(config)).toThrow(ConfigError);
  });

  test.each(['http://x:1', 'a b', ':::', 'unix:///x', 'x:port'])(
    '%j is no address of a server',
    (address) => {
      expect(() => loadConfig({ env, flags: { address } })).toThrow(
        `without a scheme; given was '${address}'`,
      );
    },
  );

  test.each(['x', 'x.example.com:7233', '127.0.0.1:7233', '[::1]:7233'])('%j is one', (address) => {
    expect(loadConfig({ env, flags: { address } }).temporal.address).toBe(address);
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

describe('temporal.toml', () => {
  function withFile(text: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const folder = mkdtempSync(join(tmpdir(), 'assay-config-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const TEMPORAL_CONFIG_FILE = join(folder, 'temporal.toml');
    writeFileSync(TEMPORAL_CONFIG_FILE, text);
    return { ...env, TEMPORAL_CONFIG_FILE, ...more };
  }

  test.each([
    ['empty', ''],
    ['with comments only', '# later\n'],
    ['with other things only', 'other = 1\n'],
    ['with other profiles only', '[profile.cloud]\naddress = "c:3"\n'],
  ])('%s is no profile', (_, text) => {
    expect(loadConfig({ env: withFile(text) }).temporal.address).toBe('localhost:7233');
    expect(namesServer(withFile(text))).toBe(false);
    const asked = withFile(text, { TEMPORAL_PROFILE: 'nope' });
    expect(() => loadConfig({ env: asked })).toThrow("Profile 'nope' not found in config data");
    expect(loadConfig({ env: withFile(text, { TEMPORAL_ADDRESS: 'd:4' }) }).temporal.address).toBe('d:4');
  });

  test('names a server by its default profile, or by the one that is asked for', () => {
    const text = '[profile.default]\naddress = "a:1"\n[profile.cloud]\nnamespace = "n"\n';
    expect(loadConfig({ env: withFile(text) }).temporal.address).toBe('a:1');
    expect(loadConfig({ env: withFile(text), flags: { profile: 'cloud' } }).temporal.namespace).toBe('n');
    expect(namesServer(withFile(text))).toBe(true);
  });

  test.each(['[profile', '[profile]\ndefault = 3\n'])('%j cannot be read', (text) => {
    expect(() => loadConfig({ env: withFile(text) })).toThrow("Temporal's profile cannot be read");
    expect(namesServer(withFile(text))).toBe(true);
  });
});
