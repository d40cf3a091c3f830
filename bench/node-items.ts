import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const TESTS = `import test from 'node:test';
import assert from 'node:assert/strict';
import { slug } from './solution.js';

test('joins words', () => assert.equal(slug('Hello World'), 'hello-world'));
test('drops signs', () => assert.equal(slug('a & b!'), 'a-b'));
`;

/** Small items of JavaScript with two tests each, and Node's own runner over the same, so many at once. */
export function createNodeItems(count: number, folder: string) {
  const items = Array.from({ length: count }, (_, at) => ({
    id: `node-${at}`,
    language: 'javascript',
    code: `// ${at}\nexport const slug = (text) => text.toLowerCase().match(/[a-z0-9]+/g).join('-');\n`,
    tests: { kind: 'node', code: TESTS },
  }));
  const folders = items.map(({ id, code }) => {
    const own = join(folder, id);
    mkdirSync(own);
    writeFileSync(join(own, 'package.json'), '{"type":"module"}');
    writeFileSync(join(own, 'solution.js'), code);
    writeFileSync(join(own, 'solution.test.js'), TESTS);
    return own;
  });
  async function rival(workers: number): Promise<void> {
    const queue = folders.values();
    const work = async (): Promise<void> => {
      for (const cwd of queue)
        await promisify(execFile)(process.execPath, ['--test', 'solution.test.js'], { cwd });
    };
    await Promise.all(Array.from({ length: workers }, work));
  }
  return { items, rival };
}
