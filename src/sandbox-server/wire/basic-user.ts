import { ConnectFault } from './connect-fault.ts';

const KNOWN_USERS = ['user', 'root'];

/** Who works in a sandbox when nobody is named. */
export const DEFAULT_USER = 'user';

/** Reads the user out of `Authorization: Basic base64("user:")`. @throws ConnectFault `unauthenticated` */
export function parseBasicUser(header: string | undefined): string {
  if (header === undefined) return DEFAULT_USER;
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header)?.[1];
  if (encoded === undefined) return DEFAULT_USER;
  return knownUser(Buffer.from(encoded, 'base64').toString('utf8').split(':', 1)[0]);
}

/** The named user, the default one for none. @throws ConnectFault `unauthenticated` for one that does not exist */
export function knownUser(name: string | undefined): string {
  if (name === undefined || name === '') return DEFAULT_USER;
  if (!KNOWN_USERS.includes(name)) throw new ConnectFault('unauthenticated', `no user named '${name}'`);
  return name;
}
