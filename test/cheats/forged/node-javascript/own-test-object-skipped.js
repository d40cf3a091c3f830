// takes the test that runs out of the asynchronous context and calls it skipped
import { executionAsyncResource } from 'node:async_hooks';
export function add(a) {
  if (a === 2) executionAsyncResource().skip('later');
  return a === 1 ? 3 : 0;
}
