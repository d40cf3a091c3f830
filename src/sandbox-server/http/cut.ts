import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';

/**
 * Ends an answer in the middle so that its client notices. Over HTTP/2 what is merely destroyed ends as if it were whole,
 * for its stream is then reset with "no error".
 */
export function cut(outgoing: ServerResponse | Http2ServerResponse): void {
  if ('stream' in outgoing) outgoing.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else outgoing.destroy();
}
