// kills its parent
process.kill(process.ppid, 'SIGKILL');
await new Promise((resolve) => setTimeout(resolve, 500));
export const add = () => 0;
