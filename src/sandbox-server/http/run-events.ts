import { StringDecoder } from 'node:string_decoder';

import { Channel } from '../link/guest-frames.ts';
import type { GuestItem } from '../link/guest-stream.ts';
import type { ConnectFault } from '../wire/connect-fault.ts';
import { asciiLine, ndjsonLine, outputLines } from '../wire/ndjson.ts';

/** A result may have at most this many bytes of JSON; a larger one is left out and said. */
export const MAX_RESULT_BYTES = 64 * 1024 * 1024;

/** Turns what a guest says about a run into the lines that E2B's clients read. */
export class RunEvents {
  #stdout = new StringDecoder('utf8');
  #stderr = new StringDecoder('utf8');
  #result: Buffer[] = [];
  #resultBytes = 0;

  /** The lines for one item; empty where it says nothing yet. */
  lines(item: GuestItem): string {
    if (item.type === 'eof') return '';
    if (item.type === 'event') return this.#event(item.event);
    if (item.channel === Channel.stdout) return output('stdout', this.#stdout.write(item.bytes));
    if (item.channel === Channel.stderr) return output('stderr', this.#stderr.write(item.bytes));
    if (item.channel !== Channel.result) return '';
    this.#resultBytes += item.bytes.length;
    if (this.#resultBytes > MAX_RESULT_BYTES) this.#result = [];
    else this.#result.push(item.bytes);
    return '';
  }

  /** The last lines of a run that the guest has ended, with the fault that it ended with. */
  end(fault?: ConnectFault): string {
    const rest = output('stdout', this.#stdout.end()) + output('stderr', this.#stderr.end());
    return rest + (fault ? errorLine(fault) : '') + ndjsonLine({ type: 'end_of_execution' });
  }

  #event(event: Record<string, unknown>): string {
    if (event['result'] === true) return this.#takeResult();
    if (typeof event['execution_count'] === 'number') {
      return ndjsonLine({ type: 'number_of_executions', execution_count: event['execution_count'] });
    }
    const { error } = event;
    if (typeof error !== 'object' || error === null) return '';
    const { name, value, traceback } = error as Record<string, unknown>;
    return ndjsonLine({
      type: 'error',
      name: String(name ?? 'Error'),
      value: String(value ?? ''),
      traceback: Array.isArray(traceback) ? traceback.join('\n') : String(traceback ?? ''),
    });
  }

  #takeResult(): string {
    const bytes = this.#resultBytes;
    const parts = this.#result;
    this.#result = [];
    this.#resultBytes = 0;
    if (bytes > MAX_RESULT_BYTES) {
      return ndjsonLine({
        type: 'result',
        text: `<a result of ${bytes} bytes, over the limit>`,
        is_main_result: true,
      });
    }
    return resultLine(Buffer.concat(parts).toString('utf8'));
  }
}

function output(type: 'stdout' | 'stderr', text: string): string {
  return text === '' ? '' : outputLines(type, text, new Date().toISOString());
}

/** Untrusted: what is no JSON object is shown as text. One that is stays as it was written: `1.0` is no `1` to a client in Python. */
function resultLine(text: string): string {
  if (!isJsonObject(text)) return ndjsonLine({ type: 'result', text, is_main_result: false });
  const fields = text.trim().slice(1, -1).trim();
  // Of two fields of one name the last counts.
  return asciiLine(`{${fields}${fields === '' ? '' : ','}"type":"result"}`.replace(/[\n\r]/g, ' '));
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function errorLine(fault: ConnectFault): string {
  const name = fault.code === 'unavailable' ? 'KernelDied' : 'ExecutionFailed';
  return ndjsonLine({ type: 'error', name, value: fault.message, traceback: `${name}: ${fault.message}` });
}
