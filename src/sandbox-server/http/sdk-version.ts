import type { HeaderReader } from './sandbox-target.ts';

/** From this version on E2B's SDKs ask for the internet only where their caller does. */
const FIRST_TO_ASK = [2, 51];

/** Whether a create comes from an SDK of E2B's that asks for the internet in each of them, so that it says nothing. */
export function alwaysAsksForInternet(header: HeaderReader): boolean {
  if (header('publisher') !== 'e2b') return false;
  const version = /^(\d+)\.(\d+)\./.exec(header('package_version') ?? '');
  if (!version) return false;
  const [major = 0, minor = 0] = version.slice(1).map(Number);
  const [firstMajor = 0, firstMinor = 0] = FIRST_TO_ASK;
  return major < firstMajor || (major === firstMajor && minor < firstMinor);
}
