// uses asynchronous contexts, hooks and timers
import { AsyncLocalStorage, AsyncResource, createHook } from 'node:async_hooks';
const storage = new AsyncLocalStorage();
let count = 0;
createHook({ init() { count++; } }).enable();
export async function slow(a, b) {
  return storage.run({ a }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return storage.getStore().a + b + (count > 0 ? 0 : 1);
  });
}
export const add = (a, b) => new AsyncResource('SUM').runInAsyncScope(() => a + b);
