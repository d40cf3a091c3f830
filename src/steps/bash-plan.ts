import { PLAIN } from './bash-tricks.ts';
import type { BashTricks } from './bash-tricks.ts';
import { runnerText } from './runner.ts';
import type { SupervisedPlan } from './supervise.ts';

/** An expansion without quotes where `[` and `test` take it for as many words as it has. */
const UNQUOTED = /(\[|\btest)\s+(!\s+)?(-\w\s+)?\$|(=|!=|-(eq|ne|lt|le|gt|ge))\s+\$[({\w]/;
/** Functions by which tests decide, and none of which code makes while it is tested. */
const DECIDING = '[ test true false exit set return diff cmp eval builtin command'.split(' ');

/** Code and tests in one shell, below one that alone knows how their end is told. */
export function bashPlan(code: string, { tests, taken }: BashTricks): SupervisedPlan {
  const guarded = UNQUOTED.test(tests) && !/-[ao]\b/.test(tests) ? ['[', 'test'] : [];
  const assigned = [...new Set(Array.from(tests.matchAll(/^\s*([a-zA-Z_]\w*)=/gm), ([, name]) => name!))];
  const once = assigned.filter((name) => code.match(new RegExp(`\\b${name}\\b`, 'g'))?.length === 1);
  const isTheirs = (name: string): boolean => tests.includes(`${name}()`) || tests.includes(`${name} ()`);
  // Tests that load the code once more bring back what it has.
  const some = tests.includes('solution.sh') ? ['[', 'set'] : DECIDING;
  const late = some.filter((name) => !guarded.includes(name) && !isTheirs(name));
  const environment = {
    ASSAY_TAKEN: taken.join(' '),
    ASSAY_GUARDED: [...guarded, ...(tests.includes(PLAIN) ? [PLAIN] : [])].join(' '),
    ASSAY_ASSIGNED: assigned.join(' '),
    ASSAY_ONCE: once.join(' '),
    ASSAY_LATE: late.join(' '),
  };
  return {
    mode: 'command',
    argv: ['bash', '--noprofile', '--norc', '-c', runnerText('script-tests.sh'), 'solution.sh'],
    news: true,
    environment,
    write: { 'solution.sh': code, 'solution.test.sh': tests },
  };
}
