import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LANGUAGES } from '../../src/domain/language.ts';
import { validateCode } from '../../src/validation/validate-code.ts';

const hostile: Record<string, string> = {
  'a megabyte of open parentheses': '('.repeat(1_000_000),
  'a megabyte of open braces': '{'.repeat(1_000_000),
  'half a million nested pairs': '('.repeat(500_000) + ')'.repeat(500_000),
  '200,000 lines': 'x = 1\n'.repeat(200_000),
  'NUL bytes': '\0'.repeat(1_000_000),
  'NUL bytes between code': 'a = 1\0\n'.repeat(100_000),
  'one line of nearly 5 MB': `x = "${'a'.repeat(4_900_000)}"`,
  'more than 5 MB': 'a'.repeat(5_000_001),
  'halves of surrogate pairs': 'x = "\ud800"\n'.repeat(10_000),
  'a text that doubles a thousand times': `a = "xxxxxxxxxx"\n${'a = a + a\n'.repeat(1_000)}`,
  'texts that double one another': Array.from(
    { length: 2_000 },
    (_, at) => `a${at + 1} = a${at} + a${at}`,
  ).join('\n'),
  'half a million attributes': `a${'.b'.repeat(500_000)}`,
  'a circle of aliases': Array.from({ length: 20_000 }, (_, at) => `v${at} = v${(at + 1) % 20_000}`).join(
    '\n',
  ),
  'a sum of 300,000 texts': `x = ${'"a"+'.repeat(300_000)}"b"`,
  'calls in calls': 'f('.repeat(100_000) + ')'.repeat(100_000),
  'one name used 100,000 times': `x = 1\n${'f(x)\n'.repeat(100_000)}`,
  'open substitutions': '$('.repeat(300_000),
  'thousands of texts run as code': Array.from({ length: 5_000 }, (_, at) => `exec("x = ${at}")`).join('\n'),
  'comprehensions over a long list': `x = [${'1,'.repeat(4_000)}]\n${'y = "".join([str(a) for a in x])\n'.repeat(3_000)}`,
};

/** Each language meets the texts that press on its grammar; Python, whose evaluator does most, meets all. */
const GRAMMAR = 5;

describe.each(LANGUAGES)('hostile %s is answered', (language) => {
  test.each(Object.keys(hostile).slice(0, language === 'python' ? undefined : GRAMMAR))(
    '%s',
    { timeout: 30_000 },
    async (name) => {
      const result = await validateCode({ language, code: hostile[name]!, policy: 'strict' });
      expect(result.findings.length).toBeLessThanOrEqual(201);
      if (name === 'more than 5 MB')
        expect(result.findings).toMatchObject([{ rule: 'too-large', severity: 'error' }]);
    },
  );
});

test('what cannot be examined is not accepted', async () => {
  const { accepted, findings } = await validateCode({ language: 'python', code: hostile['200,000 lines']! });
  expect(accepted).toBe(false);
  expect(findings).toMatchObject([{ rule: 'too-complex' }]);
});

test('a validation after a hostile one is sound', async () => {
  await validateCode({ language: 'python', code: hostile['half a million nested pairs']! });
  expect(
    (await validateCode({ language: 'python', code: 'import os\nos.kill(1, 9)' })).findings,
  ).toMatchObject([{ rule: 'no-process-tampering' }]);
  expect((await validateCode({ language: 'python', code: 'x = 1' })).findings).toEqual([]);
});

test('the event loop stays free while long code is read', async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  await validateCode({ language: 'python', code: hostile['a megabyte of open parentheses']! });
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(10);
});

test('long code is judged like short code', async () => {
  const filler = `${'# filler\n'.repeat(30_000)}import os\n`;
  const { findings } = await validateCode({ language: 'python', code: `${filler}os.kill(1, 9)` });
  expect(findings).toMatchObject([{ rule: 'no-process-tampering', line: 30_002, column: 1 }]);
});

describe('the process that reads long code', () => {
  /** Kills as many of these processes, one after the other, as soon as each is there. */
  async function kill(count: number): Promise<void> {
    const killed = new Set<string>();
    while (killed.size < count) {
      const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
      for (const pid of children.split(' ').filter((each) => each && !killed.has(each))) {
        const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        if (!command.includes('long-code')) continue;
        killed.add(pid);
        process.kill(Number(pid), 'SIGKILL');
      }
      await setTimeout(5);
    }
  }
  const code = `${'# filler\n'.repeat(30_000)}import os\nos.kill(1, 9)`;

  test('is started again when it is killed', async () => {
    const [{ findings }] = await Promise.all([validateCode({ language: 'python', code }), kill(1)]);
    expect(findings).toMatchObject([{ rule: 'no-process-tampering' }]);
  });

  test('makes code refused that takes it down twice', async () => {
    const [{ accepted, findings }] = await Promise.all([validateCode({ language: 'python', code }), kill(2)]);
    expect(accepted).toBe(false);
    expect(findings).toMatchObject([{ rule: 'too-complex' }]);
  });
});
