import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serveCommand } from '../src/cli/sandbox/serve.ts';
import { PROJECT_ROOT } from '../src/home.ts';
import { DYNAMIC_CONFIG, SEARCH_ATTRIBUTES } from '../src/embedded/temporal-server.ts';

// What docker-compose.yml and the Dockerfile take from the rest of the project, as no test builds the images.
const read = (path: string) => readFileSync(join(PROJECT_ROOT, path), 'utf8');
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? '');
const compose = read('docker-compose.yml');
const dockerfile = read('Dockerfile');
const commands = all(dockerfile, /^CMD (\[.*\])$/gm).map((json) => JSON.parse(json) as string[]);

test('the images that are built have a stage each', () => {
  const targets = all(compose, /target: (\w+)/g);
  expect(targets).toEqual(['sandboxes', 'worker']);
  const stages = all(dockerfile, /^FROM \S+ AS (\S+)$/gm);
  expect(stages).toEqual(expect.arrayContaining(targets));
});

test('what the images copy is there and is not ignored', () => {
  const copied = all(dockerfile, /^COPY (?!--from)(.*) \S+$/gm).flatMap((sources) => sources.split(' '));
  expect(copied.length).toBeGreaterThan(5);
  const letIn = all(read('.dockerignore'), /^!(.*)$/gm);
  for (const source of copied) {
    expect(existsSync(join(PROJECT_ROOT, source)), source).toBe(true);
    expect(letIn).toContain(source.split('/')[0]);
  }
});

test('the images run programs and options that exist', () => {
  expect(commands.map(([, program]) => program)).toEqual(['dist/worker.js', 'dist/cli/main.js']);
  for (const [, program = ''] of commands)
    expect(existsSync(join(PROJECT_ROOT, program.replace('dist', 'src').replace('.js', '.ts')))).toBe(true);
  const [sandbox, serve, ...options] = commands[1]?.slice(2) ?? [];
  expect([sandbox, serve]).toEqual(['sandbox', 'serve']);
  expect(serveCommand().parseOptions(options)).toEqual({ operands: [], unknown: [] });
});

test('the sandbox server has every template that set-up installs', () => {
  const home = /ASSAY_HOME=(\S+)/.exec(dockerfile)?.[1];
  const installed = readdirSync(join(PROJECT_ROOT, 'templates')).filter((name) => name !== 'minimal');
  for (const name of installed) expect(dockerfile).toContain(`${home}/templates/${name}/`);
  expect(compose).toContain(`[sandboxes:${home}/sandboxes]`);
  expect(compose).toContain(`[store:${home}]`);
});

test('Temporal is given the configuration and the search attributes that `assay dev` gives it', () => {
  const given = [...compose.matchAll(/^ {6}(\S+): \[\{ value: (\S+) \}\]$/gm)];
  expect(Object.fromEntries(given.map(([, key, value]) => [key, JSON.parse(value ?? '')]))).toEqual(
    DYNAMIC_CONFIG,
  );
  expect(all(compose, /for name in (Assay.*); do/g)).toEqual([SEARCH_ATTRIBUTES.join(' ')]);
});

test('the variables of the worker are those of the docs', () => {
  const worker = compose.slice(compose.indexOf('\n  worker:'), compose.indexOf('\nvolumes:'));
  const names = all(worker, /^ {6}([A-Z][A-Z0-9_]+):/gm);
  expect(names).toContain('E2B_API_KEY');
  const docs = read('docs/deploy.md');
  for (const name of names) expect(docs).toMatch(new RegExp(`^\\|.*\`${name}\`.*\\|.*\\|.*\\|$`, 'm'));
});
