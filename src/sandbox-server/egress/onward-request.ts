import type { OutgoingHttpHeaders } from 'node:http';

import { fillSecrets, secretsIn } from '../secrets/placeholders.ts';
import { isEndToEnd } from '../wire/forward.ts';
import { HEADER_VALUE } from './header-rules.ts';

export const HTTP_PORT = 80;
export const HTTPS_PORT = 443;

/** A request that is not passed on, and what its program is told. */
export class NotPassedError extends Error {
  override readonly name = 'NotPassedError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A request as its program has made it; `headersDistinct` as Node has them, by names in small letters. */
export interface MadeRequest {
  url?: string | undefined;
  headersDistinct: NodeJS.Dict<string[]>;
}

/**
 * The one host that a request is for: the one that its connection is to, else the one that it says itself. What says something else as well is refused:
 * many sites share a server, and it would be another one that gets the headers.
 * @param connected the host of the connection; undefined where its first request is to say it
 * @throws NotPassedError
 */
export function hostOf(
  { url = '', headersDistinct }: MadeRequest,
  connected: string | undefined,
  port: number,
): { host: string; path: string } {
  const [named = '', ...more] = headersDistinct['host'] ?? [];
  const [, name = '', given = String(port)] = /^([\w.-]{1,253})(?::(\d{1,5}))?$/.exec(named) ?? [];
  if (name === '' || more.length > 0) throw new NotPassedError(400, 'a request names one host');
  const host = connected ?? name.toLowerCase();
  if (name.toLowerCase() !== host || Number(given) !== port) {
    throw new NotPassedError(421, `${named} is asked for over a connection to ${host}:${port}`);
  }
  if (!url.startsWith('/') && url !== '*') throw new NotPassedError(400, `'${url}' is no path`);
  return { host, path: url };
}

/**
 * The headers that a request is passed on with: its own, but for those that a rule writes or that are of its connection. `host` is left out.
 * @param written those of the rule, by names in small letters
 * @throws NotPassedError where one cannot be written; its value is not told
 */
export function onwardHeaders(
  { headersDistinct }: MadeRequest,
  written: Record<string, string>,
  { isSecure, secretOf }: { isSecure: boolean; secretOf: (name: string) => string | undefined },
): OutgoingHttpHeaders {
  const own = Object.entries(headersDistinct).filter(
    ([name]) => isEndToEnd(name) && name !== 'host' && name !== 'expect' && !Object.hasOwn(written, name),
  );
  const rules = Object.entries(written).map(([header, text]) => {
    if (!isSecure && secretsIn(text).length > 0) {
      throw new NotPassedError(403, `the header '${header}' has a secret in it, which goes over HTTPS alone`);
    }
    const value = fillSecrets(text, (name) => {
      const secret = secretOf(name);
      if (secret !== undefined) return secret;
      throw new NotPassedError(502, `the header '${header}' needs the secret '${name}', which is not there`);
    });
    if (HEADER_VALUE.test(value)) return [header, value];
    throw new NotPassedError(502, `the header '${header}' has a secret in it that no header may have`);
  });
  return Object.fromEntries([...own, ...rules]) as OutgoingHttpHeaders;
}
