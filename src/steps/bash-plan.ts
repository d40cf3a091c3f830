import { LOOKED_FOR, NUMBER, PLAIN } from './bash-tricks.ts';
import type { BashTricks } from './bash-tricks.ts';
import { runnerText } from './runner.ts';
import type { SupervisedPlan } from './supervise.ts';

/** An expansion without quotes where `[` and `test` take it for as many words as it has. */
const UNQUOTED = /(\[|\btest)\s+(!\s+)?(-\w\s+)?\$|(=|!=|-(eq|ne|lt|le|gt|ge))\s+\$[({\w]/;
/** A comparison that is no answer where one side is no number. */
const OF_NUMBERS = /\s-(ne|lt|le|gt|ge)\s/;
/** Functions by which tests decide, and none of which code makes while it is tested. */
const DECIDING = '[ test true false exit set return diff cmp eval builtin command'.split(' ');

/** Code and tests in one shell, below one that alone knows how their end is told. */
export function bashPlan(code: string, { tests, taken, assigned, tools, leave }: BashTricks): SupervisedPlan {
  const isCounted = UNQUOTED.test(tests) && !/-[ao]\b/.test(tests);
  const guarded = isCounted || OF_NUMBERS.test(tests) ? ['[', 'test'] : [];
  const once = assigned.filter((name) => code.match(new RegExp(`\\b${name}\\b`, 'g'))?.length === 1);
  const isTheirs = (name: string): boolean => tests.includes(`${name}()`) || tests.includes(`${name} ()`);
  // Tests that load the code once more bring back what it has.
  const some = tests.includes('solution.sh') ? ['[', 'set'] : [...DECIDING, ...tools];
  const late = some.filter((name) => !guarded.includes(name) && !isTheirs(name));
  const environment = {
    ASSAY_TAKEN: taken.join(' '),
    ASSAY_GUARDED: [
      ...guarded.map((name) => (isCounted ? `+${name}` : name)),
      ...(tests.includes(NUMBER) || tests.includes(PLAIN) ? [NUMBER] : []),
    ].join(' '),
    ASSAY_ASSIGNED: assigned.join(' '),
    ASSAY_ONCE: once.join(' '),
    ASSAY_LATE: late.join(' '),
    ASSAY_TOOLS: LOOKED_FOR.join(' '),
    ASSAY_LEAVE: leave ? 'yes' : 'no',
  };
  return {
    mode: 'command',
    argv: ['bash', '--noprofile', '--norc', '-c', runnerText('script-tests.sh'), 'solution.sh'],
    news: true,
    environment,
    write: { 'solution.sh': code, 'solution.test.sh': tests },
  };
}
