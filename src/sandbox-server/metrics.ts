import type { GuestLink } from './link/guest-link.ts';

/** How often each running sandbox is looked at, and how far back that is kept: an hour. */
const SAMPLE_EVERY_MS = 10_000;
const MOST_SAMPLES = 360;

/** What a sandbox used at one moment. Sizes are in bytes. */
export interface SandboxMetric {
  atMs: number;
  cpuCount: number;
  cpuUsedPct: number;
  memUsed: number;
  memTotal: number;
  memCache: number;
  diskUsed: number;
  diskTotal: number;
}

/** What a sandbox uses now. @throws ConnectFault · GuestLostError */
export async function measure(link: GuestLink): Promise<SandboxMetric> {
  const stats = await link.call('stats');
  return {
    atMs: Date.now(),
    cpuCount: numberOf(stats['cpuCount']),
    cpuUsedPct: numberOf(stats['cpuUsedPct']),
    memUsed: numberOf(stats['memUsedBytes']),
    memTotal: numberOf(stats['memTotalBytes']),
    memCache: numberOf(stats['memCacheBytes']),
    diskUsed: numberOf(stats['diskUsedBytes']),
    diskTotal: numberOf(stats['diskTotalBytes']),
  };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

/** What a sandbox has used over the last hour, oldest first. */
export class MetricSeries {
  #samples: SandboxMetric[] = [];

  add(sample: SandboxMetric): void {
    this.#samples.push(sample);
    if (this.#samples.length > MOST_SAMPLES) this.#samples.shift();
  }

  /** Those of this time, both ends included, as Unix times in ms. */
  between(fromMs: number, toMs: number): SandboxMetric[] {
    return this.#samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  }
}

/** Looks at all of them again and again, one after the other so that many are no burst. Call what it returns to stop. */
export function sampleMetrics(
  running: () => Iterable<{ link: GuestLink; metrics: MetricSeries }>,
): () => void {
  let busy = false;
  const sample = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    for (const { link, metrics } of running()) {
      // One that ended meanwhile has nothing more to say.
      const found = await measure(link).catch(() => undefined);
      if (found) metrics.add(found);
    }
    busy = false;
  };
  const timer = setInterval(() => void sample(), SAMPLE_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
