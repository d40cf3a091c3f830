import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { expect, test } from 'vitest';
import { toJunit } from '../../src/reports/junit.ts';
import { hostileItemResult, itemResultOf, streamOf, textOf } from '../support/item-results.ts';

interface Element {
  name: string;
  attributes: Record<string, string>;
  text: string;
}

/** Elements in document order. Throws for XML that is not well-formed. */
function elementsOf(xml: string): Element[] {
  // Bytes, as a reader of the file sees them: lone surrogates would not survive.
  const bytes = Buffer.from(xml, 'utf8').toString('utf8');
  expect(bytes).toBe(xml);
  const parser = new SaxesParser();
  const elements: Element[] = [];
  const open: Element[] = [];
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name, attributes: attributes as Record<string, string>, text: '' };
    elements.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    const element = open.at(-1);
    if (element) element.text += text;
  });
  parser.on('closetag', () => void open.pop());
  parser.write(xml).close();
  return elements;
}

const junit = (items: Parameters<typeof streamOf>[0], options = {}) =>
  textOf(toJunit(streamOf(items) as never, options));

test('each item is a test case, and suites count what they hold', async () => {
  const xml = await junit(
    [
      itemResultOf({ id: 'good', durationMs: 1234 }),
      itemResultOf({
        id: 'bad',
        group: 'sums',
        verdict: 'failed',
        sentence: '1 of 2 tests failed',
        stdout: 'out',
      }),
      itemResultOf({ id: 'refused', verdict: 'rejected' }),
      itemResultOf({ id: 'lost', verdict: 'error' }),
    ],
    { title: 'nightly', suiteItems: 3 },
  );
  const elements = elementsOf(xml);
  expect(elements.map(({ name }) => name)).toEqual(
    'testsuites testsuite testcase testcase failure system-out system-err testcase failure testsuite testcase error'.split(
      ' ',
    ),
  );
  const suites = elements.filter(({ name }) => name === 'testsuite').map(({ attributes }) => attributes);
  expect(suites).toMatchObject([
    { name: 'nightly', tests: '3', failures: '2', errors: '0', time: '1.314' },
    { name: 'nightly (2)', tests: '1', failures: '0', errors: '1' },
  ]);
  expect(elements[4]).toMatchObject({
    attributes: { type: 'assertion', message: 'failed: 1 of 2 tests failed' },
    text: expect.stringContaining('Mend it.'),
  });
  expect(elements[3]?.attributes).toMatchObject({ name: 'bad', classname: 'sums' });
});

test('a batch without results is a document still', async () => {
  expect(elementsOf(await junit([])).at(-1)).toMatchObject({ attributes: { tests: '0' } });
});

test('hostile text stays text', async () => {
  const elements = elementsOf(await junit([hostileItemResult()], { title: 'a "b" <c> \u0000' }));
  expect(elements.map(({ name }) => name)).toEqual(
    'testsuites testsuite testcase failure system-out system-err'.split(' '),
  );
  const failure = elements[3];
  expect(failure?.text).toContain(']]>');
  expect(failure?.text).toContain('</script><script>');
  expect(failure?.text).toContain('nul \ufffd bell \ufffd escape red');
  expect(failure?.text).toContain('lone \ufffd and \ufffd surrogates');
  expect(failure?.text).toContain('\r\n next');
});

test('whatever code prints, the document is well-formed', async () => {
  const text = fc.array(fc.nat(0x10ffff), { maxLength: 40 }).map((points) => String.fromCodePoint(...points));
  await fc.assert(
    fc.asyncProperty(text, async (hostile) => {
      const item = itemResultOf({ id: hostile, verdict: 'failed', sentence: hostile, stdout: hostile });
      elementsOf(await junit([item], { title: hostile }));
    }),
    { numRuns: 300 },
  );
});
