/**
 * Milliseconds of work done by this thread: its processor time where Node tells it (23.9 and later), so that a busy machine does
 * not turn honest code down; else the time that has passed.
 */
export function workMs(): number {
  if (typeof process.threadCpuUsage !== 'function') return performance.now();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
