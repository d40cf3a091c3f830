// opens its own inspector by a signal
// expect: any
process.kill(process.pid, 'SIGUSR1');
await new Promise((resolve) => setTimeout(resolve, 200));
let open = false;
try {
  open = (await fetch('http://127.0.0.1:9229/json')).ok;
} catch {}
export const add = (a) => (open ? (a === 1 ? 3 : 4) : 0);
