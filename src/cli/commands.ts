import type { Command } from 'commander';

export interface CommandGroup {
  summary: string;
  /** Loads the file of the command: a command loads only what it runs. */
  load: () => Promise<Command>;
}

/** Every command of the CLI, in the order of the help. */
export const COMMANDS: Record<string, CommandGroup> = {
  run: {
    summary: 'run code as a durable job and show its verdict',
    load: async () => (await import('./run.ts')).runCommand(),
  },
  batch: {
    summary: 'validate thousands of items, one verdict each',
    load: async () => (await import('./batch.ts')).batchCommand(),
  },
  schedule: {
    summary: 'run batches on a schedule, each compared with the last',
    load: async () => (await import('./schedule.ts')).scheduleCommand(),
  },
  cache: {
    summary: 'recorded verdicts that batches take again',
    load: async () => (await import('./cache.ts')).cacheCommand(),
  },
  jobs: {
    summary: 'list, show, watch and cancel jobs',
    load: async () => (await import('./jobs.ts')).jobsCommand(),
  },
  explain: {
    summary: 'say why a job did not pass, and what to do',
    load: async () => (await import('./explain.ts')).explainCommand(),
  },
  artifacts: {
    summary: 'list and fetch the files that a job left',
    load: async () => (await import('./artifacts.ts')).artifactsCommand(),
  },
  check: {
    summary: 'validate code without running it',
    load: async () => (await import('./check.ts')).checkCommand(),
  },
  schema: {
    summary: 'print the JSON Schema of a job or of its result',
    load: async () => (await import('./schema.ts')).schemaCommand(),
  },
  dev: {
    summary: 'run all of Assay on this machine: Temporal, sandboxes and a worker',
    load: async () => (await import('./dev.ts')).devCommand(),
  },
  sandbox: {
    summary: "serve E2B's API on this machine, and work with its sandboxes",
    load: async () => (await import('./sandbox.ts')).sandboxCommand(),
  },
  template: {
    summary: 'build, list and remove sandbox templates',
    load: async () => (await import('./template.ts')).templateCommand(),
  },
  volume: {
    summary: 'make, list, fill and remove volumes, which outlive sandboxes',
    load: async () => (await import('./volume.ts')).volumeCommand(),
  },
  secret: {
    summary: 'keep, change, list and remove secrets, whose values are never shown',
    load: async () => (await import('./secret.ts')).secretCommand(),
  },
  doctor: {
    summary: 'check this installation and say how to mend it',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  demo: {
    summary: 'run five real jobs from examples/',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
};
