import { addressList, isAddress, type OutboundRules } from '../egress/address-rules.ts';
import { hostAndPort, type SocksProxy } from '../egress/socks-proxy.ts';
import type { NetworkRequest, SandboxRequest } from '../sandbox.ts';
import { readVolumeMounts } from '../volumes/volume-mounts.ts';
import type { VolumeStore } from '../volumes/volume-store.ts';
import { ApiError } from '../wire/api-error.ts';
import type { JsonFields } from '../wire/json-fields.ts';
import { readHeaderRules } from './read-header-rules.ts';

const DEFAULT_TIMEOUT_MS = 300_000;
const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000;

/** Fields of a create that ask for what this server does not have yet, with the name that the error gives it. */
const UNSUPPORTED: Record<string, string> = {
  iam: 'workload identity',
};

/**
 * Reads the body of a create.
 * @param server what it gives, and what it knows of the client
 * @throws ApiError 400 · 501 for what this server does not have · ConnectFault `invalid_argument` for a field of a wrong type
 */
export function createRequest(
  fields: JsonFields,
  server: { allowInternet: boolean; alwaysAsked: boolean; alwaysSecure: boolean; volumes: VolumeStore },
): SandboxRequest {
  for (const [name, what] of Object.entries(UNSUPPORTED)) {
    if (fields.object(name)) throw new ApiError(501, `${what} ('${name}') cannot be had from this server`);
  }
  return {
    templateId: fields.string('templateID'),
    metadata: fields.stringMap('metadata'),
    envs: fields.stringMap('envVars'),
    timeoutMs: readTimeoutMs(fields) ?? DEFAULT_TIMEOUT_MS,
    internet: wantsInternet(fields, server),
    lifecycle: {
      onTimeout: fields.optionalBoolean('autoPause') ? 'pause' : 'kill',
      keepMemory: fields.optionalBoolean('autoPauseMemory') ?? true,
      autoResume: fields.object('autoResume')?.optionalBoolean('enabled') ?? false,
    },
    secure: server.alwaysSecure || (fields.optionalBoolean('secure') ?? false),
    network: { ...readNetwork(fields.object('network')), ...readOutboundRules(fields) },
    volumeMounts: readVolumeMounts(fields, server.volumes),
  };
}

function readNetwork(fields: JsonFields | undefined): NetworkRequest {
  if (!fields) return {};
  const maskRequestHost = fields.optionalString('maskRequestHost');
  if (maskRequestHost !== undefined && !/^[\w.:${}-]{1,255}$/.test(maskRequestHost)) {
    throw new ApiError(400, `'maskRequestHost' is no host: ${maskRequestHost}`);
  }
  const allowPublicTraffic = fields.optionalBoolean('allowPublicTraffic');
  return {
    ...(allowPublicTraffic !== undefined && { allowPublicTraffic }),
    ...(maskRequestHost !== undefined && { maskRequestHost }),
    ...(fields.listLength('httpsPorts') > 0 && { httpsPorts: fields.ports('httpsPorts') }),
  };
}

/** What a running sandbox is to reach from now on; what is not said is cleared. @throws ApiError 400 · 501 */
export function readNetworkUpdate(fields: JsonFields): OutboundRules {
  const rules = readOutboundRules(fields);
  if (fields.optionalBoolean('allow_internet_access') !== false) return rules;
  return { ...rules, denyOut: [...new Set([...(rules.denyOut ?? []), '0.0.0.0/0'])] };
}

/** What a sandbox may reach. @throws ApiError 400 · 501 for what this server does not have */
export function readOutboundRules(fields: JsonFields): OutboundRules {
  const network = fields.object('network') ?? fields;
  const egressProxy = readProxy(network.object('egressProxy'));
  const rules = readHeaderRules(network.object('rules'));
  const allowOut = network.strings('allowOut');
  // Asked for without the internet, what is allowed is all that there is.
  const isList = allowOut.length > 0 && fields.optionalBoolean('allow_internet_access') === false;
  const denyOut = [...network.strings('denyOut'), ...(isList ? ['0.0.0.0/0', '::/0'] : [])];
  for (const rule of allowOut) {
    if (!isAddress(rule) && !/^(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*)$/i.test(rule)) {
      throw new ApiError(400, `'${rule}' in 'allowOut' is neither a name nor an address`);
    }
  }
  try {
    addressList([...allowOut.filter(isAddress), ...denyOut]);
  } catch (error) {
    throw new ApiError(400, `the network's rules are not valid: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return {
    ...(allowOut.length > 0 && { allowOut }),
    ...(denyOut.length > 0 && { denyOut }),
    ...(egressProxy && { egressProxy }),
    ...(rules && { rules }),
  };
}

function readProxy(fields: JsonFields | undefined): SocksProxy | undefined {
  if (!fields) return undefined;
  const address = fields.string('address');
  if (!hostAndPort(address)) {
    throw new ApiError(400, `'egressProxy.address' has to be HOST:PORT, not '${address}'`);
  }
  const username = fields.optionalString('username');
  const password = fields.optionalString('password');
  for (const [name, value] of Object.entries({ username, password })) {
    const bytes = Buffer.byteLength(value ?? 'x');
    if (bytes < 1 || bytes > 255)
      throw new ApiError(400, `'egressProxy.${name}' has to be of 1 to 255 bytes`);
  }
  if (password !== undefined && username === undefined) {
    throw new ApiError(400, `'egressProxy.password' goes with a 'username'`);
  }
  return {
    address,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
}

/**
 * Whether a sandbox is to reach the internet.
 * @param server what it gives; `alwaysAsked` for a client that asks in any case, who is not refused for it
 * @throws ApiError 400 where it asks for what the server does not give
 */
export function wantsInternet(
  fields: JsonFields,
  server: { allowInternet: boolean; alwaysAsked?: boolean },
): boolean {
  const network = fields.object('network') ?? fields;
  const asked = fields.optionalBoolean('allow_internet_access');
  const isListed = network.listLength('allowOut') > 0;
  // Both are for a sandbox that E2B lets out without a word.
  const named =
    asked !== false && ['egressProxy', 'rules'].find((name) => network.object(name)?.names().length);
  if (asked !== true && !isListed && !named) return false;
  if (!server.allowInternet) {
    if (server.alwaysAsked && !isListed && !named) return false;
    const what = asked ? 'allow_internet_access' : isListed ? 'allowOut' : named;
    throw new ApiError(400, `'${what}' is asked for, but this server was started without internet access`);
  }
  return true;
}

/** The field `timeout`, or one of another name, given in seconds. @throws ApiError 400 where it is negative or over 24 hours */
export function readTimeoutMs(fields: JsonFields, name = 'timeout'): number | undefined {
  const seconds = fields.optionalInteger(name);
  if (seconds === undefined) return undefined;
  if (seconds < 0) throw new ApiError(400, `'${name}' cannot be negative`);
  if (seconds * 1000 > MAX_TIMEOUT_MS) throw new ApiError(400, `'${name}' cannot be over 24 hours`);
  return seconds * 1000;
}

/** How long a connect lets the sandbox live at least. @throws ApiError 400 */
export function connectTimeoutMs(fields: JsonFields): number {
  return readTimeoutMs(fields) ?? DEFAULT_TIMEOUT_MS;
}
