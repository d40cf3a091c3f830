import { LIMITS } from './budget.ts';
import type { Value, Values } from './values.ts';
import { UNKNOWN, combine, itemsOf, listValue, numberValue, only, singleText, textValue } from './values.ts';

/** `a + b` of texts, numbers and lists. */
export function add(left: Values, right: Values): Values {
  return combine(left, right, (a, b): Value | undefined => {
    if (a.kind === 'text' && b.kind === 'text')
      return textValue(a.text + b.text, true, a.decoded || b.decoded);
    if (a.kind === 'number' && b.kind === 'number') return numberValue(a.value + b.value);
    if (a.kind === 'text' && b.kind === 'number') return textValue(a.text + b.value, true, a.decoded);
    if (a.kind === 'number' && b.kind === 'text') return textValue(a.value + b.text, true, b.decoded);
    if (a.kind === 'list' && b.kind === 'list' && a.items.length + b.items.length <= LIMITS.listItems) {
      return listValue([...a.items, ...b.items]);
    }
    return undefined;
  });
}

/** Arithmetic on numbers, and a text repeated. */
export function calculate(operator: string, left: Values, right: Values): Values {
  return combine(left, right, (a, b) => {
    if (a.kind === 'text' && b.kind === 'number' && operator === '*') {
      const times = Math.max(0, Math.floor(b.value));
      return a.text.length * times <= LIMITS.textChars
        ? textValue(a.text.repeat(times), true, a.decoded)
        : undefined;
    }
    if (a.kind !== 'number' || b.kind !== 'number') return undefined;
    const result = arithmetic(operator, a.value, b.value);
    return result === undefined || !Number.isFinite(result) ? undefined : numberValue(result);
  });
}

function arithmetic(operator: string, a: number, b: number): number | undefined {
  switch (operator) {
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '//':
      return Math.floor(a / b);
    case '%':
      return a % b;
    case '^':
      return a ^ b;
    case '|':
      return a | b;
    case '&':
      return a & b;
    case '<<':
      return a << b;
    case '>>':
      return a >> b;
    default:
      return undefined;
  }
}

/** The items' texts with a separator between them. */
export function joinTexts(separator: string, items: readonly Values[] | undefined): Values {
  if (!items) return UNKNOWN;
  const parts: string[] = [];
  let length = 0;
  let decoded = false;
  for (const item of items) {
    const part = singleText(item);
    if (!part) return UNKNOWN;
    length += part.text.length + separator.length;
    if (length > LIMITS.textChars) return UNKNOWN;
    decoded ||= part.decoded;
    parts.push(part.text);
  }
  return only(textValue(parts.join(separator), parts.length > 1, decoded));
}

/** The items of a list or text in reverse. */
export function reversed(values: Values): Values {
  const value = values.length === 1 ? values[0] : undefined;
  if (value?.kind === 'text') return [textValue([...value.text].toReversed().join(''), true, true)];
  const items = itemsOf(values);
  return items ? [listValue(items.toReversed())] : UNKNOWN;
}

/** One item of a list or text; negative indexes count from the end. */
export function itemAt(values: Values, index: number): Values {
  const value = values.length === 1 ? values[0] : undefined;
  if (value?.kind === 'text') return only(textValue(value.text.at(index) ?? '', true, value.decoded));
  if (value?.kind === 'list') return value.items.at(index) ?? UNKNOWN;
  return UNKNOWN;
}

/** A slice with a step, in Python's sense. */
export function slice(
  values: Values,
  start: number | undefined,
  stop: number | undefined,
  step: number,
): Values {
  const value = values.length === 1 ? values[0] : undefined;
  if (!value || (value.kind !== 'text' && value.kind !== 'list') || step === 0) return UNKNOWN;
  const all: readonly (string | Values)[] = value.kind === 'text' ? [...value.text] : value.items;
  const bound = (at: number | undefined, low: number, high: number, missing: number): number =>
    at === undefined ? missing : Math.max(low, Math.min(high, at < 0 ? at + all.length : at));
  const from = step > 0 ? bound(start, 0, all.length, 0) : bound(start, -1, all.length - 1, all.length - 1);
  const to = step > 0 ? bound(stop, 0, all.length, all.length) : bound(stop, -1, all.length - 1, -1);
  const picked: (string | Values)[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) picked.push(all[at]!);
  return value.kind === 'text'
    ? [textValue((picked as string[]).join(''), true, step < 0 || value.decoded)]
    : [listValue(picked as Values[])];
}

/** Bytes are carried as texts of one character a byte. */
const utf8ToText = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

const DECODERS: Record<string, (text: string) => string> = {
  base64: (text) => Buffer.from(text, 'base64').toString('latin1'),
  hex: (text) => Buffer.from(text.replace(/\s+/g, ''), 'hex').toString('latin1'),
  base32: decodeBase32,
  rot13: (text) =>
    text.replace(/[a-z]/gi, (char) =>
      String.fromCharCode(char.charCodeAt(0) + (char.toLowerCase() < 'n' ? 13 : -13)),
    ),
  utf8: utf8ToText,
  latin1: (text) => text,
  url: (text) =>
    utf8ToText(
      text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    ),
};

/** Decodes a text by one of: base64, base32, hex, rot13, utf8, latin1, url. */
export function decode(how: string, values: Values): Values {
  const decoder = DECODERS[how];
  const source = singleText(values);
  if (!decoder || !source) return UNKNOWN;
  try {
    const isPlain = how === 'utf8' || how === 'latin1';
    return only(
      textValue(decoder(source.text), isPlain ? source.built : true, isPlain ? source.decoded : true),
    );
  } catch {
    return UNKNOWN;
  }
}

function decodeBase32(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let bits = 0;
  let held = 0;
  let out = '';
  for (const char of text.toUpperCase()) {
    const index = alphabet.indexOf(char);
    if (index < 0) continue;
    held = ((held << 5) | index) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out += String.fromCharCode((held >> bits) & 0xff);
    }
  }
  return out;
}
