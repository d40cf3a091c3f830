import type { Verdict } from '../../src/client.ts';

/** What a row is, and what must be recorded for it. */
export interface KnownItem {
  row: Record<string, unknown> & { id: string };
  verdict: Verdict;
}

/** Items whose truth is known: most pass, some give a wrong answer, hang, kill everything that they may, or are rejected. */
export function knownItems(count: number, { poison = true } = {}): KnownItem[] {
  return Array.from({ length: count }, (_, at) => itemOf(at, poison));
}

const add = (sum: string): string => `def add(a, b):\n    return ${sum}\n`;
const script = { kind: 'script', code: 'assert add(1, 2) == 3\n' };
const pytest = {
  kind: 'pytest',
  code: 'from solution import add\n\ndef test_add():\n    assert add(1, 2) == 3\n',
};

function itemOf(at: number, poison: boolean): KnownItem {
  const id = `item-${at}`;
  const limits = { timeoutMs: 2_000 };
  const of = (code: string, verdict: Verdict, tests: unknown = script): KnownItem => ({
    row: { id, language: 'python', code: `${code}# ${id}\n`, tests, limits, validate: { policy: 'off' } },
    verdict,
  });
  if (poison && at % 50 === 17) return of('import os, signal\nos.kill(-1, signal.SIGKILL)\n', 'failed');
  if (poison && at % 50 === 33)
    return of(
      'import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n',
      'failed',
    );
  if (poison && at % 50 === 25) return of('hog = [bytearray(2 ** 30) for _ in range(10)]\n', 'failed');
  if (poison && at % 50 === 41) return of('while True:\n    print("x" * 10000)\n', 'failed');
  if (at % 10 === 3) return of(add('a - b'), 'failed');
  if (at % 10 === 6) return of(add('a + b'), 'passed', pytest);
  if (at % 10 === 8) return of(add('a + b + 1'), 'failed', pytest);
  if (at % 25 === 12)
    return {
      row: { id, language: 'python', code: 'import os\nos.system("id")\n', validate: { policy: 'strict' } },
      verdict: 'rejected',
    };
  return of(add('a + b'), 'passed');
}
