import type { GuestLink } from '../link/guest-link.ts';
import { runProcess } from '../link/run-process.ts';

/** What a volume holds. */
export interface VolumeUsage {
  /** As its disk has them; an entry counts as 4 KiB at least, so that many empty files are bounded too. */
  bytes: number;
  /** Folders that could not be looked into, however often they were opened: what they hold is not counted. */
  isHidden: boolean;
}

const BLOCK = 4096;
/** Folders that their owner may not read are opened, for nobody could say what is in them. */
const MEASURE =
  'cd /volume && find . -xdev -type d ! -perm -500 -exec chmod u+rx {} + ; du -sxB1 . && du -sx --inodes .';
const MAX_WORDS = 2_000;

/** Asks a volume's helper what is in it. Never trusts more of the answer than two numbers. */
export async function measureVolume(link: GuestLink): Promise<VolumeUsage> {
  let said = '';
  let words = '';
  await runProcess(
    link,
    { cmd: '/bin/bash', args: ['-c', MEASURE], user: 'root', envs: { LC_ALL: 'C' } },
    {
      onStdout: (bytes) => void (said = `${said}${bytes.toString('latin1')}`.slice(-MAX_WORDS)),
      onStderr: (bytes) => void (words = `${words}${bytes.toString('latin1')}`.slice(-MAX_WORDS)),
    },
  );
  const [bytes = 0, entries = 0] = said
    .trim()
    .split('\n')
    .map((line) => Number(/^\d{1,15}/.exec(line)?.[0] ?? 0));
  return { bytes: Math.max(bytes, entries * BLOCK), isHidden: /Permission denied/.test(words) };
}
