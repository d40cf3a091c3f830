import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { Template } from '@e2b/code-interpreter';
import { UsageError } from './cli-error.ts';
import { print } from './print.ts';
import { printableLine } from './printable.ts';
import { appended } from './run-options.ts';
import {
  addSandboxOptions,
  callControlPlane,
  sandboxConnection,
  type SandboxConnectionOptions,
} from './sandbox/connection.ts';
import { table } from './table.ts';
import { size, utcTime } from './units.ts';

const DOCKERFILES = ['e2b.Dockerfile', 'Dockerfile'];

interface BuildOptions extends SandboxConnectionOptions {
  name?: string;
  tag: string[];
}

interface TemplateRow {
  templateID: string;
  names?: string[];
  aliases?: string[];
  tags?: string[];
  diskSizeMB?: number;
  updatedAt?: string;
}

/** `assay template build|list|remove`. */
export function templateCommand(): Command {
  return new Command('template')
    .summary('build, list and remove sandbox templates')
    .description('Templates are what sandboxes are made from, beside the default one.')
    .addCommand(buildCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  assay template build ./my-template\n  assay sandbox create my-template',
    );
}

function buildCommand(): Command {
  const command = new Command('build')
    .summary('build a template from a Dockerfile')
    .description(
      'Builds a template from a Dockerfile: COPY, RUN, ENV, WORKDIR, USER and CMD. Images are not pulled: the default template stands in for FROM.',
    )
    .argument('<path>', 'a Dockerfile, or a folder with e2b.Dockerfile or Dockerfile')
    .option('--name <name>', 'name of the template (default: the name of its folder)')
    .option('--tag <tag>', 'a tag; may be repeated', appended, []);
  return addSandboxOptions(command).action(build);
}

async function build(path: string, options: BuildOptions): Promise<void> {
  const file = dockerfileOf(path);
  const folder = dirname(resolve(file));
  const name = options.name ?? basename(folder).toLowerCase();
  const template = Template({ fileContextPath: folder }).fromDockerfile(file);
  const info = await Template.build(template, name, {
    ...sandboxConnection(options),
    ...(options.tag.length > 0 && { tags: options.tag }),
    onBuildLogs: ({ message }) => void process.stderr.write(`${printableLine(message)}\n`),
  });
  print(info.name ?? name);
}

function dockerfileOf(path: string): string {
  if (!existsSync(path)) throw new UsageError(`${path} does not exist`);
  if (!statSync(path).isDirectory()) return path;
  const found = DOCKERFILES.map((name) => join(path, name)).find((each) => existsSync(each));
  if (found) return found;
  throw new UsageError(`${path} has neither ${DOCKERFILES.join(' nor ')}`);
}

function listCommand(): Command {
  const command = new Command('list')
    .summary('list templates that were built')
    .description('Lists templates that were built.')
    .option('--json', 'print one JSON array');
  return addSandboxOptions(command).action(async (options: SandboxConnectionOptions & { json?: boolean }) => {
    const found = (await callControlPlane(sandboxConnection(options), 'GET', '/templates')) as TemplateRow[];
    if (options.json) return print(JSON.stringify(found, null, 2));
    const rows = found.map(({ templateID, names, aliases, tags, diskSizeMB, updatedAt }) => [
      printableLine((names ?? aliases)?.[0] ?? templateID),
      printableLine(tags?.join(' ') ?? ''),
      diskSizeMB === undefined ? '' : size(diskSizeMB * 1024 ** 2),
      updatedAt === undefined ? '' : utcTime(new Date(updatedAt)),
    ]);
    print(rows.length === 0 ? 'no templates' : table(['TEMPLATE', 'TAGS', 'SIZE', 'BUILT (UTC)'], rows));
  });
}

function removeCommand(): Command {
  const command = new Command('remove')
    .summary('remove a template; sandboxes made from it stay')
    .description('Removes a template with all its tags; sandboxes made from it stay.')
    .argument('<name>', 'name of the template');
  return addSandboxOptions(command).action(async (name: string, options: SandboxConnectionOptions) => {
    await callControlPlane(sandboxConnection(options), 'DELETE', `/templates/${encodeURIComponent(name)}`);
  });
}
