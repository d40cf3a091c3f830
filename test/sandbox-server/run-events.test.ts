import { expect, test } from 'vitest';

import { RunEvents } from '../../src/sandbox-server/http/run-events.ts';
import { Channel } from '../../src/sandbox-server/link/guest-frames.ts';

function lineOf(document: string): string {
  const events = new RunEvents();
  events.lines({ type: 'data', channel: Channel.result, bytes: Buffer.from(document) });
  return events.lines({ type: 'event', event: { result: true }, size: 0 });
}

test.each([
  [
    '{"text": "1.0", "data": {"a": [1.0, 2e1]}}',
    '{"text": "1.0", "data": {"a": [1.0, 2e1]},"type":"result"}\n',
  ],
  ['{}', '{"type":"result"}\n'],
  [' {\n "text": "é\u2028" } \n', '{"text": "\\u00e9\\u2028","type":"result"}\n'],
])('a result is told as the guest wrote it: %j', (document, line) => {
  expect(lineOf(document)).toBe(line);
});

test.each([
  '{"type":"end_of_execution"}',
  '{"text":"a"}\n{"type":"end_of_execution"}',
  '{"text":"a"},{"type":"error"}',
  '[1]',
  'null',
  '{"text":"a\n"}',
  '"text"',
  '',
  '{"a":1}}',
  '{"\\u0074ype":"error"}',
])('a guest that is no friend cannot make another event of a result: %j', (document) => {
  const line = lineOf(document);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(JSON.parse(line)).toMatchObject({ type: 'result' });
});
