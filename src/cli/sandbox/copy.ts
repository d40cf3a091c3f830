import { Command } from 'commander';
import { FileType, Sandbox } from '@e2b/code-interpreter';
import { addSandboxOptions, sandboxConnection, type SandboxConnectionOptions } from './connection.ts';
import { copyFiles, MAX_DEPTH, type RemoteFiles } from './copy-files.ts';

/** `ID:path`; ids are of letters and digits, so that `C:\\data` and `./a:b` are paths. */
const REMOTE = /^([a-z0-9]{10,40}):(.*)$/s;

/** `assay sandbox cp`: files and folders, into a sandbox or out of it. */
export function copyCommand(): Command {
  const command = new Command('cp')
    .summary('copy files and folders into a sandbox or out of it')
    .description('Copies files and folders; one side is a path here, the other `ID:path` in a sandbox.')
    .argument('<from>', 'a path, or ID:path')
    .argument('<to>', 'a path, or ID:path')
    .addHelpText(
      'after',
      '\nExamples:\n  assay sandbox cp data.csv ID:/tmp/\n  assay sandbox cp ID:out ./results',
    );
  return addSandboxOptions(command).action(
    async (from: string, to: string, options: SandboxConnectionOptions) =>
      copyFiles(from, to, 'ID:path', REMOTE, async (id) =>
        filesOf(await Sandbox.connect(id, sandboxConnection(options))),
      ),
  );
}

function filesOf({ files }: Sandbox): RemoteFiles {
  return {
    async find(path) {
      if (!(await files.exists(path))) return undefined;
      const info = await files.getInfo(path);
      return { path: info.path, isFolder: info.type === FileType.DIR };
    },
    async list(folder) {
      const entries = await files.list(folder, { depth: MAX_DEPTH });
      return entries
        .filter((entry) => entry.type === FileType.FILE && entry.symlinkTarget === undefined)
        .map(({ path }) => path);
    },
    read: (path) => files.read(path, { format: 'stream', requestTimeoutMs: 0 }),
    write: async (path, body) => void (await files.write(path, body, { requestTimeoutMs: 0 })),
  };
}
