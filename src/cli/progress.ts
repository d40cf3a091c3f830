import type { JobEvent } from '../client/job-events.ts';
import { style } from './style.ts';
import { duration } from './units.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const MARKS = {
  ok: style('green', '✓', process.stderr),
  failed: style('red', '✗', process.stderr),
  error: style('magenta', '!', process.stderr),
};

/** Shows the steps of a job on stderr as they go: with a moving last line on a terminal, as plain lines elsewhere. */
export class Progress implements Disposable {
  readonly #stream: NodeJS.WriteStream;
  #timer: NodeJS.Timeout | undefined;
  #running: { text: string; since: number } | undefined;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  show(event: JobEvent): void {
    if (event.type === 'done') return this.#settle();
    const name = event.attempt > 1 ? `attempt ${event.attempt}: ${event.step}` : event.step;
    if (event.type === 'step-started') return this.waiting(name);
    this.#settle();
    const took = style('dim', duration(event.durationMs), this.#stream);
    const outcome = this.#stream.isTTY ? MARKS[event.outcome] : event.outcome;
    this.#stream.write(`${outcome} ${name} ${took}\n`);
  }

  /** Says what is going on until the next news. Only a terminal shows it. */
  waiting(text: string): void {
    this.#settle();
    if (!this.#stream.isTTY) return;
    this.#running = { text, since: performance.now() };
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    this.#settle();
  }

  #draw(): void {
    if (!this.#running) return;
    const ms = performance.now() - this.#running.since;
    const frame = FRAMES[Math.floor(ms / FRAME_MS) % FRAMES.length];
    const took = ms < 1000 ? '' : ` ${Math.floor(ms / 1000)} s`;
    this.#stream.write(
      `\r\u001b[K${style('cyan', frame ?? '', this.#stream)} ${this.#running.text}${style('dim', took, this.#stream)}`,
    );
  }

  #settle(): void {
    clearInterval(this.#timer);
    if (this.#running) this.#stream.write('\r\u001b[K');
    this.#running = undefined;
  }
}
