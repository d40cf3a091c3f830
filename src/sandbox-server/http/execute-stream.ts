import type { GuestItem, GuestStream } from '../link/guest-stream.ts';
import { ConnectFault } from '../wire/connect-fault.ts';
import { ndjsonLine } from '../wire/ndjson.ts';
import type { AppContext } from './app-env.ts';
import { PacedReader } from './paced-reader.ts';
import { RunEvents } from './run-events.ts';
import { streamResponse } from './stream-response.ts';

const KEEPALIVE_MS = 5_000;
const MAX_BATCH_CHARACTERS = 65_536;
// A guest refuses a run at once. After this long the headers go out, for clients wait for them only so long.
const REFUSAL_MS = 100;

/**
 * Streams a run as lines of JSON. A client that leaves interrupts the run.
 * @throws ConnectFault as the guest refuses the run
 */
export async function executeResponse(c: AppContext, stream: GuestStream): Promise<Response> {
  const reader = new PacedReader(stream, undefined);
  const events = new RunEvents();
  const early = await reader.within(REFUSAL_MS).catch(diedAtOnce);
  let first = early === 'quiet' ? undefined : { item: early };
  let finished = false;

  const batch = (start: GuestItem): string => {
    let lines = '';
    let item: GuestItem | undefined = start;
    while (item) {
      lines += events.lines(item);
      item = lines.length < MAX_BATCH_CHARACTERS ? reader.takeReady() : undefined;
    }
    return lines;
  };

  const pull = async (): Promise<Uint8Array | undefined> => {
    while (!finished) {
      let lines = '';
      try {
        if (first?.item instanceof ConnectFault) throw first.item;
        const item = first ? first.item : await reader.within(KEEPALIVE_MS);
        first = undefined;
        if (item === 'quiet') lines = ndjsonLine({ type: 'keepalive' });
        else if (item) lines = batch(item);
        if (item === undefined || (stream.atEnd && !(await stream.next()))) {
          finished = true;
          lines += events.end();
        }
      } catch (error) {
        // A lost sandbox must not look like a clean end: it cuts the answer.
        if (!(error instanceof ConnectFault)) throw error;
        finished = true;
        lines += events.end(error);
      }
      if (lines !== '') return Buffer.from(lines, 'latin1');
    }
    return undefined;
  };

  const headers = { 'content-type': 'application/x-ndjson', 'cache-control': 'no-cache' };
  return streamResponse(c, { pull, close: () => stream.cancel() }, { headers });
}

/** An interpreter that dies at once has run the code, so it is told as an event and not as a refusal. */
function diedAtOnce(error: unknown): ConnectFault {
  if (error instanceof ConnectFault && error.code === 'unavailable') return error;
  throw error;
}
