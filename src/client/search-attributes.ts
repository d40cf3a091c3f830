import type { Connection } from '@temporalio/client';
import { KEYS } from '../domain/search-attributes.ts';

/** INDEXED_VALUE_TYPE_KEYWORD of Temporal's API. */
const KEYWORD = 2;
type Services = Pick<Connection, 'operatorService'>;

/**
 * Creates Assay's search attributes where they are missing and the server lets us; answers whether it has them all. Jobs run without them too,
 * so nothing is thrown.
 */
export async function ensureSearchAttributes(connection: Services, namespace: string): Promise<boolean> {
  const wanted = Object.values(KEYS).map(({ name }) => name);
  const known = await knownAttributes(connection, namespace);
  const missing = wanted.filter((name) => !known.has(name));
  if (missing.length === 0) return true;
  try {
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch {
    // Another process may have been first; what counts is whether they are there.
  }
  const now = await knownAttributes(connection, namespace);
  return wanted.every((name) => now.has(name));
}

async function knownAttributes({ operatorService }: Services, namespace: string): Promise<Set<string>> {
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    return new Set(Object.keys(customAttributes ?? {}));
  } catch {
    return new Set();
  }
}
