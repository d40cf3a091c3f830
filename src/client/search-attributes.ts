import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { KEYS } from '../domain/search-attributes.ts';

/** INDEXED_VALUE_TYPE_KEYWORD of Temporal's API. */
const KEYWORD = 2;
/** gRPC's status codes for what a server does not let us do. */
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;
const TRIES = 5;
const WAIT_MS = 100;
type Services = Pick<Connection, 'operatorService'>;

/**
 * Creates Assay's search attributes where they are missing and the server lets us; answers whether it has them all. Jobs run without them too,
 * so nothing is thrown.
 */
export async function ensureSearchAttributes(connection: Services, namespace: string): Promise<boolean> {
  const wanted = Object.values(KEYS).map(({ name }) => name);
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (tries > 0) await sleep(tries * WAIT_MS);
    const known = await knownAttributes(connection, namespace);
    if (known === undefined) return false;
    const missing = wanted.filter((name) => !known.has(name));
    if (missing.length === 0) return true;
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    // Another process may be at it too; what counts is whether they are there when it is looked again.
    const forbidden = await connection.operatorService
      .addSearchAttributes({ namespace, searchAttributes })
      .then(
        () => false,
        (error: { code?: number }) => error.code === PERMISSION_DENIED || error.code === UNIMPLEMENTED,
      );
    if (forbidden) return false;
  }
  return false;
}

/** Undefined where the server does not tell. */
async function knownAttributes(
  { operatorService }: Services,
  namespace: string,
): Promise<Set<string> | undefined> {
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    return new Set(Object.keys(customAttributes ?? {}));
  } catch {
    return undefined;
  }
}
