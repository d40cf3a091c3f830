import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'attempts');

export const NETWORKS = ['open', 'listed', 'ruled'] as const;
export type Network = (typeof NETWORKS)[number];

/** One way that hostile code may try to get out. */
export interface Attempt {
  /** Area and name, such as `kernel/unshare-user`. */
  name: string;
  /** The guard that it is up against: without it, it gets out. */
  guard: string;
  /** Whether it needs something that not every kernel or machine has: then it need not be proved on each. */
  machineDependent: boolean;
  /** Whether it runs as a cell, in an interpreter that is a fork of the template's process; else as a command. */
  isCell: boolean;
  /**
   * What network its sandbox has: by default none, `open` to the internet but some of it, to what is `listed` alone, or `ruled` by headers
   * with a secret for two hosts, one of which proves who it is. */
  network: Network | undefined;
  /** A Python program that prints `held`, or `ESCAPED: ` and what it got. */
  program: string;
}

/** All attempts: `### name | guard` and a program each, in one file for each area. */
export function attempts(): Attempt[] {
  const prelude = readFileSync(join(FOLDER, 'prelude.py'), 'utf8');
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.txt'))
    .flatMap((file) => {
      const area = file.replace('.txt', '');
      const sections = readFileSync(join(FOLDER, file), 'utf8').split(/^### /m).slice(1);
      return sections.map((section) => {
        const [head = '', ...lines] = section.split('\n');
        const [name = '', guards = ''] = head.split(' | ');
        const [guard = '', ...notes] = guards.trim().split(' ');
        const program = `${prelude}\n\n${lines.join('\n')}`;
        return {
          name: `${area}/${name}`,
          guard,
          machineDependent: notes.includes('machine-dependent'),
          isCell: notes.includes('cell'),
          network: NETWORKS.find((each) => notes.includes(each)),
          program,
        };
      });
    });
}
