import type { Result } from '@e2b/code-interpreter';
import type { BlobRef } from '../domain/blob.ts';
import type { RichResult } from '../domain/job-result.ts';
import type { Store } from '../store/store.ts';
import { filterText } from './text-filter.ts';

export const MAX_RESULTS = 100;
const INLINE_TEXT_BYTES = 16 * 1024;
const INLINE_IMAGE_BYTES = 8 * 1024;
/** All that one outcome keeps inline; what comes later becomes references. */
const INLINE_TOTAL_BYTES = 96 * 1024;

const MIME: Record<string, { type: string; base64?: true }> = {
  text: { type: 'text/plain' },
  html: { type: 'text/html' },
  markdown: { type: 'text/markdown' },
  svg: { type: 'image/svg+xml' },
  png: { type: 'image/png', base64: true },
  jpeg: { type: 'image/jpeg', base64: true },
  pdf: { type: 'application/pdf', base64: true },
  latex: { type: 'text/latex' },
  json: { type: 'application/json' },
  javascript: { type: 'application/javascript' },
  data: { type: 'application/vnd.e2b.data+json' },
};

/** Turns E2B's results into those of a job: by MIME type, large ones by reference. At most the first 100 are kept. */
export async function richResults(results: readonly Result[], store: Store): Promise<RichResult[]> {
  let inlineBytes = 0;
  const kept: RichResult[] = [];
  for (const result of results.slice(0, MAX_RESULTS)) {
    const data: Record<string, string | BlobRef> = {};
    for (const [name, { type, base64 }] of Object.entries(MIME)) {
      const raw: unknown = result[name as keyof Result];
      if (raw === undefined || raw === null) continue;
      const value = typeof raw === 'string' ? raw : JSON.stringify(raw);
      const text = base64 ? value : filterText(value);
      const limit = Math.min(
        base64 ? INLINE_IMAGE_BYTES : INLINE_TEXT_BYTES,
        INLINE_TOTAL_BYTES - inlineBytes,
      );
      if (text.length > limit) data[type] = await store.put(base64 ? Buffer.from(text, 'base64') : text);
      else {
        data[type] = text;
        inlineBytes += text.length;
      }
    }
    kept.push({ main: result.isMainResult, data, ...(await chartOf(result, store)) });
  }
  return kept;

  async function chartOf(result: Result, target: Store): Promise<Pick<RichResult, 'chart'>> {
    if (result.chart === undefined || result.chart === null) return {};
    const text = JSON.stringify(result.chart);
    if (text.length > Math.min(INLINE_TEXT_BYTES, INLINE_TOTAL_BYTES - inlineBytes))
      return { chart: await target.put(text) };
    inlineBytes += text.length;
    return { chart: result.chart };
  }
}
