/**
 * Reads the metadata filter of a list. E2B's SDKs encode each key and value, the pairs, and then the query: the last of
 * the three has been undone by the URL parser when this is called.
 */
export function parseMetadataQuery(query: string | undefined): Record<string, string> {
  const wanted: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [key, value] of new URLSearchParams(query ?? '')) wanted[decode(key)] = decode(value);
  return wanted;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a bare percent sign: somebody encoded less often, so take it as it stands
  }
}
