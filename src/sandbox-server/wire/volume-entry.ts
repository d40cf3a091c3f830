import { ConnectFault } from './connect-fault.ts';

const TYPES = new Set(['file', 'directory', 'symlink']);

/** A file of a volume by E2B's names. What the guest tells of it is untrusted. @throws ConnectFault `internal` */
export function volumeEntryJson(entry: unknown): object {
  if (typeof entry !== 'object' || entry === null) {
    throw new ConnectFault('internal', 'the volume does not tell what the file is');
  }
  const fields = entry as Record<string, unknown>;
  const { type, target } = fields;
  return {
    name: textOf(fields['name']),
    path: textOf(fields['path']),
    type: typeof type === 'string' && TYPES.has(type) ? type : 'unknown',
    size: numberOf(fields['size']),
    mode: numberOf(fields['mode']),
    uid: numberOf(fields['uid']),
    gid: numberOf(fields['gid']),
    atime: timeOf(fields['atimeMs']),
    mtime: timeOf(fields['mtimeMs']),
    ctime: timeOf(fields['ctimeMs']),
    ...(typeof target === 'string' && { target }),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

/** A file may carry any time: one that no date has is shown as the first one. */
function timeOf(value: unknown): string {
  const time = new Date(typeof value === 'number' ? value : 0);
  return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString();
}
