/** A file as guests describe it. Untrusted: each field may be missing or of another type. */
export type GuestEntry = Record<string, unknown>;

const FILE_TYPES: Record<string, string> = {
  file: 'FILE_TYPE_FILE',
  dir: 'FILE_TYPE_DIRECTORY',
  symlink: 'FILE_TYPE_SYMLINK',
};

/** A guest's description of a file as the JSON of a `filesystem.EntryInfo`. */
export function entryJson(entry: unknown): object {
  const fields = (typeof entry === 'object' && entry !== null ? entry : {}) as GuestEntry;
  const modified = new Date(numberOf(fields['modifiedTimeMs']));
  return {
    name: stringOf(fields['name']),
    type: FILE_TYPES[stringOf(fields['type'])] ?? 'FILE_TYPE_UNSPECIFIED',
    path: stringOf(fields['path']),
    size: String(Math.trunc(numberOf(fields['size']))),
    mode: Math.trunc(numberOf(fields['mode'])) >>> 0,
    permissions: stringOf(fields['permissions']),
    owner: stringOf(fields['owner']),
    group: stringOf(fields['group']),
    ...(Number.isNaN(modified.getTime()) ? {} : { modifiedTime: modified.toISOString() }),
    ...(typeof fields['symlinkTarget'] === 'string' ? { symlinkTarget: fields['symlinkTarget'] } : {}),
    ...metadataOf(fields['metadata']),
  };
}

/** A file's metadata, where it has any. */
export function metadataOf(metadata: unknown): { metadata?: Record<string, string> } {
  if (typeof metadata !== 'object' || metadata === null) return {};
  const pairs = Object.entries(metadata).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string',
  );
  return pairs.length === 0 ? {} : { metadata: Object.fromEntries(pairs) };
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
