import { HEADER_VALUE, type HeaderRules } from '../egress/header-rules.ts';
import { placeholderFault } from '../secrets/placeholders.ts';
import { ApiError } from '../wire/api-error.ts';
import { isEndToEnd } from '../wire/forward.ts';
import type { JsonFields } from '../wire/json-fields.ts';

const MAX_HOSTS = 64;
const MAX_HEADERS = 20;
const MAX_HOST_CHARS = 128;
const MAX_NAME_CHARS = 64;
const MAX_VALUE_CHARS = 2_048;

const HOST = /^(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;
const ADDRESS = /^[\d.]+$/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** They say where a request goes and where it ends. */
const FRAMING = /^(host|content-length|expect)$/i;

/** The rules of a request, by host in small letters. @throws ApiError 400 for one that cannot be */
export function readHeaderRules(fields: JsonFields | undefined): HeaderRules | undefined {
  const hosts = fields?.names() ?? [];
  if (hosts.length > MAX_HOSTS) throw new ApiError(400, `'rules' has at most ${MAX_HOSTS} hosts`);
  const rules = hosts.map((host) => {
    const known = host.toLowerCase();
    if (!HOST.test(known) || ADDRESS.test(known) || known.length > MAX_HOST_CHARS) {
      throw new ApiError(400, `'${host}' in 'rules' is neither a host's name nor one after '*.'`);
    }
    return [known, fields?.objects(host).map((rule) => readRule(known, rule)) ?? []] as const;
  });
  return rules.length > 0 ? Object.fromEntries(rules) : undefined;
}

function readRule(host: string, rule: JsonFields): HeaderRules[string][number] {
  const transform = rule.object('transform');
  if (!transform) return {};
  const headers = transform.stringMap('headers');
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS)
    throw new ApiError(400, `a rule of '${host}' has more than ${MAX_HEADERS} headers`);
  for (const [name, value] of entries) checkHeader(`the header '${name}' of '${host}'`, name, value);
  return { transform: { headers } };
}

/** No reason has the value in it. */
function checkHeader(what: string, name: string, value: string): void {
  if (!NAME.test(name) || name.length > MAX_NAME_CHARS) {
    throw new ApiError(400, `${what} has no name that a header may have`);
  }
  if (!isEndToEnd(name) || FRAMING.test(name)) {
    throw new ApiError(400, `${what} cannot be set: it says where a request goes, or where it ends`);
  }
  if (!HEADER_VALUE.test(value) || value.length > MAX_VALUE_CHARS) {
    throw new ApiError(
      400,
      `${what} has a value of more than ${MAX_VALUE_CHARS} characters or with one that none may have`,
    );
  }
  const fault = placeholderFault(value);
  if (fault !== undefined) throw new ApiError(400, `${what} cannot be set: ${fault}`);
}
