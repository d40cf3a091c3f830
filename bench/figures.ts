/** The p50, p95 and p99 of some durations, in ms, by the nearest rank. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
  runs: number;
}

export function percentiles(durationsMs: readonly number[]): Percentiles {
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), runs: sorted.length };
}

/** How long an async piece of work takes, in ms. */
export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** Prints named durations as a Markdown table that can go into a document as it is. */
export function printFigures(rows: Record<string, readonly number[]>): void {
  console.log('| what | p50 ms | p95 ms | p99 ms | runs |\n|---|---|---|---|---|');
  for (const [what, durationsMs] of Object.entries(rows)) {
    const { p50, p95, p99, runs } = percentiles(durationsMs);
    console.log(`| ${what} | ${p50.toFixed(1)} | ${p95.toFixed(1)} | ${p99.toFixed(1)} | ${runs} |`);
  }
}
