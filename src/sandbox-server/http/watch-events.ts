import type { GuestLink } from '../link/guest-link.ts';
import { entryJson } from '../wire/entry-json.ts';

const EVENT_TYPES: Record<string, string> = {
  create: 'EVENT_TYPE_CREATE',
  write: 'EVENT_TYPE_WRITE',
  remove: 'EVENT_TYPE_REMOVE',
  rename: 'EVENT_TYPE_RENAME',
  chmod: 'EVENT_TYPE_CHMOD',
};

/** What a watch covers. */
export interface WatchTarget {
  path: string;
  user: string;
  recursive: boolean;
  /** Whether each event tells of the file as it is now. */
  includeEntry: boolean;
}

/** A guest's event as a `filesystem.FilesystemEvent`; undefined for one that is none. */
export async function filesystemEvent(
  link: GuestLink,
  target: WatchTarget,
  event: Record<string, unknown>,
): Promise<object | undefined> {
  const { name, type } = event;
  const eventType = typeof type === 'string' ? EVENT_TYPES[type] : undefined;
  if (eventType === undefined || typeof name !== 'string') return undefined;
  const entry = target.includeEntry && type !== 'remove' ? await entryNow(link, target, name) : undefined;
  return { name, type: eventType, ...(entry ? { entry } : {}) };
}

async function entryNow(link: GuestLink, target: WatchTarget, name: string): Promise<object | undefined> {
  try {
    const path = `${target.path.replace(/\/+$/, '')}/${name}`;
    return entryJson((await link.call('file.stat', { path, user: target.user }))['entry']);
  } catch {
    return undefined; // gone again in the meantime
  }
}
