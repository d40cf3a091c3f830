import { createHash } from 'node:crypto';

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
// What HTML cannot hold, what a browser would act on rather than show, and marks that reorder text.
const UNSEEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udfff]/gu;

/** Any text as the content of an HTML element or of an attribute in quotes. */
export function htmlText(text: string): string {
  return text
    .replace(UNSEEN, (character) => `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0')}`)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/** A value as JSON that no text in it can end the `script` element of. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
}

/** The policy of a page that loads nothing and runs only this script, if any. */
export function contentSecurityPolicy(script?: string): string {
  const hash =
    script === undefined
      ? ''
      : ` script-src 'sha256-${createHash('sha256').update(script).digest('base64')}';`;
  return `default-src 'none'; style-src 'unsafe-inline'; img-src data:;${hash} base-uri 'none'; form-action 'none'`;
}

/** Up to the content of the body. */
export function pageHead(title: string, style: string, policy: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${htmlText(title)}</title>
<style>
${style}</style>
</head>
<body>
`;
}
