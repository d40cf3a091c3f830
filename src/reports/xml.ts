// eslint-disable-next-line no-control-regex
const ANSI = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;
// Everything but the Char production of XML 1.0; with the flag `u` a lone surrogate is a character of its own.
// eslint-disable-next-line no-control-regex
const ILLEGAL = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

/** Colour codes taken out: they are for terminals. */
export function withoutAnsi(text: string): string {
  return text.replace(ANSI, '');
}

/** Any text as the content of an XML element: what XML cannot hold becomes U+FFFD. */
export function xmlText(text: string): string {
  return withoutAnsi(text)
    .replace(ILLEGAL, '\ufffd')
    .replace(/[&<>"\r]/g, (character) => ENTITIES[character] as string);
}

/** Any text as the value of an XML attribute in double quotes. */
export function xmlAttribute(text: string): string {
  return xmlText(text).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;');
}
