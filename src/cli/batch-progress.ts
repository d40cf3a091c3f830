import type { BatchProgress, BatchResult, Failure } from '../domain/batch.ts';
import { printableLine } from './printable.ts';
import { style, styledVerdict } from './style.ts';
import { duration } from './units.ts';

const BAR_CELLS = 24;
/** Between two lines where there is no terminal, in ms. */
const LINE_EVERY_MS = 5_000;

/** Shows a batch on stderr: a bar that moves on a terminal, a line now and then elsewhere, and what does not pass as it comes. */
export class BatchBar implements Disposable {
  readonly #stream: NodeJS.WriteStream;
  readonly #told = new Set<string>();
  #drawn = false;
  #lastLineMs = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  /** How many failures were told. */
  get told(): number {
    return this.#told.size;
  }

  /** Tells an item that did not pass, once. */
  tell({ id, verdict, sentence }: Failure): void {
    if (this.#told.has(id)) return;
    this.#told.add(id);
    this.say(`${styledVerdict(verdict, this.#stream)} ${printableLine(id)}: ${printableLine(sentence)}`);
  }

  /** A line that stays. */
  say(line: string): void {
    this.clear();
    this.#stream.write(`${line}\n`);
  }

  show(progress: BatchProgress): void {
    this.clear();
    for (const failure of progress.failures.toReversed()) this.tell(failure);
    if (this.#stream.isTTY) {
      this.#stream.write(fittingLine(progress, this.#stream.columns));
      this.#drawn = true;
    } else if (Date.now() - this.#lastLineMs >= LINE_EVERY_MS) {
      this.#lastLineMs = Date.now();
      this.say(progressLine(progress));
    }
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  /** Takes the bar away, for what is written after it on the same terminal. */
  clear(): void {
    if (this.#drawn) this.#stream.write('\r\u001b[K');
    this.#drawn = false;
  }
}

/** `running ████░░ 40 of 100, 38 passed, 2 failed, 62.5 items/s, 1 min 2 s left`. */
export function progressLine(progress: BatchProgress, cells = BAR_CELLS): string {
  const { state, done, total, itemsPerSecond } = progress;
  const filled = total === 0 ? cells : Math.floor((done / total) * cells);
  const bar = '█'.repeat(filled) + '░'.repeat(cells - filled);
  const rate =
    itemsPerSecond === undefined || state !== 'running'
      ? []
      : [
          `${itemsPerSecond} items/s`,
          `${duration(((total - done) / Math.max(itemsPerSecond, 0.001)) * 1000)} left`,
        ];
  return `${state} ${bar} ${[`${done} of ${total}`, ...countsOf(progress), ...rate].join(', ')}`;
}

/** In one row of a terminal, since only the last one of several would be drawn anew. */
function fittingLine(progress: BatchProgress, columns = 80): string {
  const over = progressLine(progress).length - (columns - 1);
  return progressLine(progress, Math.max(0, BAR_CELLS - Math.max(0, over))).slice(0, columns - 1);
}

/** What a batch came to, in a few lines. */
export function batchSummary(result: BatchResult): string {
  const { batchId, state, done, total, durationMs } = result;
  const rate = durationMs > 0 ? `, ${((done / durationMs) * 1000).toFixed(1)} items/s` : '';
  const all = `${state === 'done' ? '' : `${done} of `}${total} ${total === 1 ? 'item' : 'items'}`;
  return `${style('bold', state)}  ${batchId}: ${[all, ...countsOf(result)].join(', ')}; ${duration(durationMs)}${rate}`;
}

function countsOf({ counts }: Pick<BatchProgress, 'counts'>): string[] {
  return Object.entries(counts)
    .filter(([name, number]) => number > 0 || name === 'passed')
    .map(([name, number]) => `${number} ${name}`);
}
