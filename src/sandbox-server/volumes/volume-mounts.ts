import { ApiError } from '../wire/api-error.ts';
import type { JsonFields } from '../wire/json-fields.ts';
import type { VolumeStore } from './volume-store.ts';

/** A volume at a place of a sandbox. */
export interface VolumeMount {
  id: string;
  name: string;
  path: string;
}

const MAX_MOUNTS = 16;
const MAX_PATH = 512;
/** Folders that a sandbox has of its own, or that everything would be below. */
const OWN_FOLDERS = ['/', '/home', '/home/user', '/tmp', '/var', '/run'];
/** Folders in which all is the template's or the kernel's. */
const SYSTEM = /^\/(usr|opt|etc|bin|sbin|lib|lib32|lib64|libx32|proc|sys|dev|var\/tmp)(\/|$)/;

/** Reads `volumeMounts` of a create. @throws ApiError 400 with all that is wrong with them */
export function readVolumeMounts(fields: JsonFields, volumes: VolumeStore): VolumeMount[] {
  const wanted = fields
    .objects('volumeMounts')
    .map((mount) => ({ name: mount.string('name'), path: mount.string('path') }));
  if (wanted.length > MAX_MOUNTS) throw new ApiError(400, `a sandbox can have at most ${MAX_MOUNTS} volumes`);
  const faults: string[] = [];
  const mounts: VolumeMount[] = [];
  for (const [index, { name, path }] of wanted.entries()) {
    const volume = volumes.named(name);
    const others = wanted.slice(0, index).map((each) => each.path);
    const fault = volume ? faultOf(path, others) : `there is no volume '${name}'`;
    if (fault !== undefined) faults.push(`volume mount #${index}: ${fault}`);
    else if (volume) mounts.push({ id: volume.id, name, path });
  }
  if (faults.length > 0) throw new ApiError(400, `invalid mounts: ${faults.join('; ')}`);
  return mounts;
}

function faultOf(path: string, others: string[]): string | undefined {
  if (!path.startsWith('/')) return `'${path}' is not absolute`;
  if (path.length > MAX_PATH) return `the path has more than ${MAX_PATH} characters`;
  const isClean =
    path === '/' ||
    path
      .split('/')
      .slice(1)
      .every((part) => !['', '.', '..'].includes(part));
  if (!isClean || /\p{Cc}/u.test(path)) return `'${path}' is not a clean path`;
  if (OWN_FOLDERS.includes(path) || SYSTEM.test(path)) return `'${path}' is a folder of the system`;
  const near = others.find(
    (other) => `${path}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${path}/`),
  );
  if (near === path) return `'${path}' is used already`;
  // What is in a volume is hostile: nothing is mounted by a path that leads through it.
  return near === undefined ? undefined : `'${path}' and '${near}' lie in each other`;
}
