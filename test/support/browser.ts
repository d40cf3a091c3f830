import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser of this machine, if it has one. */
export const BROWSER = PROGRAMS.find((program) => existsSync(program));

/** A page in a real browser without a window, which can reach no other host. */
export class Page implements AsyncDisposable {
  readonly #child: ReturnType<typeof spawn>;
  readonly #socket: WebSocket;
  readonly #folder: string;
  readonly #waiting = new Map<number, (message: { result?: unknown; error?: { message: string } }) => void>();
  /** What the page wrote to its console, and errors. */
  readonly told: string[] = [];
  readonly #loaded = Promise.withResolvers<void>();
  #id = 0;

  private constructor(child: ReturnType<typeof spawn>, socket: WebSocket, folder: string) {
    this.#child = child;
    this.#socket = socket;
    this.#folder = folder;
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data));
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
      else if (message.method === 'Page.loadEventFired') this.#loaded.resolve();
      else this.told.push(JSON.stringify(message.params));
    });
  }

  static async open(url: string): Promise<Page> {
    const folder = mkdtempSync(join(tmpdir(), 'assay-browser-'));
    const child = spawn(
      BROWSER as string,
      [
        '--headless',
        '--disable-gpu',
        '--no-first-run',
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        '--remote-debugging-port=0',
        `--user-data-dir=${folder}`,
        // Chromium's own sandbox refuses to run as root.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        'about:blank',
      ],
      { stdio: 'ignore', env: { ...process.env, TMPDIR: folder } },
    );
    const portFile = join(folder, 'DevToolsActivePort');
    while (!existsSync(portFile) || !readFileSync(portFile, 'utf8').includes('\n')) await sleep(20);
    const [port] = readFileSync(portFile, 'utf8').split('\n');
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
      type: string;
      webSocketDebuggerUrl: string;
    }[];
    const target = targets.find(({ type }) => type === 'page');
    const socket = new WebSocket((target as { webSocketDebuggerUrl: string }).webSocketDebuggerUrl);
    await new Promise((done) => socket.addEventListener('open', done, { once: true }));
    const page = new Page(child, socket, folder);
    for (const domain of ['Runtime', 'Log', 'Page']) await page.#send(`${domain}.enable`);
    // What is asked while the page changes may never be answered: its own event says when it is there.
    await page.#send('Page.navigate', { url });
    await page.#loaded.promise;
    return page;
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = (await this.#send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      // Such as a reader's console: the policy of the page does not count for it.
      allowUnsafeEvalBlockedByCSP: true,
    })) as { result: { value: unknown }; exceptionDetails?: unknown };
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((done) => this.#child.once('exit', done));
    this.#socket.close();
    this.#child.kill();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #send(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#id;
    const answer = new Promise<{ result?: unknown; error?: { message: string } }>((done) =>
      this.#waiting.set(id, done),
    );
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }
}
