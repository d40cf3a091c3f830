import { UNKNOWN, type Values, only, singleText, textValue } from '../values.ts';

/** `left % right` of a text; unknown when one of its parts is not known. */
export function formatPercent(left: Values, right: Values): Values {
  const pattern = singleText(left)!;
  const value = right[0];
  const items = value?.kind === 'list' ? value.items : [right];
  let at = 0;
  let failed = false;
  const text = pattern.text.replace(/%([scd%])/g, (_, kind: string) => {
    if (kind === '%') return '%';
    const item = singleText(items[at++] ?? UNKNOWN);
    if (!item) failed = true;
    return kind === 'c' && item && /^\d+$/.test(item.text)
      ? String.fromCodePoint(Math.min(0x10ffff, Number(item.text)))
      : (item?.text ?? '');
  });
  return failed ? UNKNOWN : only(textValue(text, true));
}

/** The template with its fields filled in; unknown when one of them is not known. */
export function formatBraces(
  template: Values,
  args: readonly Values[],
  named: ReadonlyMap<string, Values>,
): Values {
  const pattern = singleText(template);
  if (!pattern) return UNKNOWN;
  let at = 0;
  let failed = false;
  let decoded = pattern.decoded;
  const text = pattern.text.replace(/\{\{|\}\}|\{([^{}!:.[]*)[^{}]*\}/g, (whole, name?: string) => {
    if (whole === '{{' || whole === '}}') return whole[0]!;
    const item: ReturnType<typeof singleText> = singleText(
      (name === '' ? args[at++] : /^\d+$/.test(name!) ? args[Number(name)] : named.get(name!)) ?? UNKNOWN,
    );
    if (!item) failed = true;
    decoded ||= item?.decoded ?? false;
    return item?.text ?? '';
  });
  return failed ? UNKNOWN : only(textValue(text, true, decoded));
}
