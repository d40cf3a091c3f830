import { Command } from 'commander';
import { Volume, VolumeFileType, VolumePathNotFoundError, type ConnectionOpts } from 'e2b';
import { UsageError } from './cli-error.ts';
import { print } from './print.ts';
import { printableLine } from './printable.ts';
import { addSandboxOptions, sandboxConnection, type SandboxConnectionOptions } from './sandbox/connection.ts';
import { copyFiles, MAX_DEPTH, type RemoteFiles } from './sandbox/copy-files.ts';
import { table } from './table.ts';

const REMOTE = /^([a-zA-Z0-9_-]{1,128}):(.*)$/s;

interface JsonOption extends SandboxConnectionOptions {
  json?: boolean;
}

/** `assay volume create|list|cp|remove`. */
export function volumeCommand(): Command {
  return new Command('volume')
    .summary('make, list, fill and remove volumes, which outlive sandboxes')
    .description(
      'Volumes are folders that outlive sandboxes and that several sandboxes have at the same time.',
    )
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(copyCommand())
    .addCommand(removeCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  assay volume create data\n  assay volume cp ./corpus data:/\n  assay sandbox create --volume data:/mnt/data',
    );
}

function createCommand(): Command {
  const command = new Command('create')
    .summary('make a volume and print its id')
    .description('Makes a volume and prints its id.')
    .argument('<name>', "letters, digits, '_' and '-'")
    .option('--json', 'print id and name as JSON');
  return addSandboxOptions(command).action(async (name: string, options: JsonOption) => {
    const { volumeId } = await Volume.create(name, sandboxConnection(options));
    print(options.json ? JSON.stringify({ volumeId, name }, null, 2) : volumeId);
  });
}

function listCommand(): Command {
  const command = new Command('list')
    .summary('list volumes')
    .description('Lists volumes, oldest first.')
    .option('--json', 'print one JSON array');
  return addSandboxOptions(command).action(async (options: JsonOption) => {
    const found = await Volume.list(sandboxConnection(options));
    if (options.json) return print(JSON.stringify(found, null, 2));
    const rows = found.map(({ name, volumeId }) => [printableLine(name), volumeId]);
    print(rows.length === 0 ? 'no volumes' : table(['VOLUME', 'ID'], rows));
  });
}

function copyCommand(): Command {
  const command = new Command('cp')
    .summary('copy files and folders into a volume or out of it')
    .description('Copies files and folders; one side is a path here, the other `NAME:path` in a volume.')
    .argument('<from>', 'a path, or NAME:path')
    .argument('<to>', 'a path, or NAME:path')
    .addHelpText(
      'after',
      '\nExamples:\n  assay volume cp data.csv data:/\n  assay volume cp data:/out ./results',
    );
  return addSandboxOptions(command).action(
    async (from: string, to: string, options: SandboxConnectionOptions) => {
      const connection = sandboxConnection(options);
      await copyFiles(from, to, 'NAME:path', REMOTE, async (name) =>
        filesOf(await Volume.connect(await idOf(name, connection), connection), connection),
      );
    },
  );
}

function removeCommand(): Command {
  const command = new Command('remove')
    .summary('remove volumes with all that is in them')
    .description('Removes volumes with all that is in them; sandboxes that have one find it empty.')
    .argument('<name...>', 'names or ids of volumes');
  return addSandboxOptions(command).action(async (names: string[], options: SandboxConnectionOptions) => {
    const connection = sandboxConnection(options);
    for (const name of names) {
      await Volume.destroy(await idOf(name, connection), connection);
      print(name);
    }
  });
}

/** E2B finds volumes by their id alone. @throws UsageError */
async function idOf(nameOrId: string, connection: ConnectionOpts): Promise<string> {
  const found = await Volume.list(connection);
  const volume =
    found.find(({ name }) => name === nameOrId) ?? found.find(({ volumeId }) => volumeId === nameOrId);
  if (volume) return volume.volumeId;
  throw new UsageError(`there is no volume ${printableLine(nameOrId)}`);
}

function filesOf(volume: Volume, { apiUrl }: ConnectionOpts): RemoteFiles {
  const options = { ...(apiUrl !== undefined && { apiUrl }), requestTimeoutMs: 0 };
  return {
    async find(path) {
      try {
        const info = await volume.getInfo(path, options);
        return { path: info.path, isFolder: info.type === VolumeFileType.DIRECTORY };
      } catch (error) {
        if (error instanceof VolumePathNotFoundError) return undefined;
        throw error;
      }
    },
    async list(folder) {
      const entries = await volume.list(folder, { ...options, depth: MAX_DEPTH });
      return entries.filter(({ type }) => type === VolumeFileType.FILE).map(({ path }) => path);
    },
    read: (path) => volume.readFile(path, { ...options, format: 'stream' }),
    write: async (path, body) => void (await volume.writeFile(path, body, { ...options, force: true })),
  };
}
