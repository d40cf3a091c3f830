/** Headers that requests to a host get on their way out, by E2B's names: the host, or `*.` and what it is below, in small letters. */
export type HeaderRules = Record<string, { transform?: { headers?: Record<string, string> } }[]>;

/** What a header's value may be made of; Node writes each character as a byte. */
export const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The headers, by their names in small letters, that requests to a host get; undefined where no rule is of it. Rules of the host itself go before those
 * of what it is below, of which the longest counts; they are not merged.
 */
export function headersFor(rules: HeaderRules | undefined, host: string): Record<string, string> | undefined {
  if (rules === undefined) return undefined;
  const labels = host.toLowerCase().split('.');
  const keys = labels.map((_, i) => (i === 0 ? labels.join('.') : `*.${labels.slice(i).join('.')}`));
  const key = keys.find((each) => Object.hasOwn(rules, each));
  if (key === undefined) return undefined;
  const headers = (rules[key] ?? []).flatMap(({ transform }) => Object.entries(transform?.headers ?? {}));
  return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
}
