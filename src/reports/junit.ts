import type { ItemResult } from '../domain/batch.ts';
import { explanationOf, sentenceOf } from './outcome-of-item.ts';
import { xmlAttribute, xmlText } from './xml.ts';

export interface JunitOptions {
  /** Name of the suites. Default: assay */
  title?: string | undefined;
  /** Items of one suite: the counts stand before the items, so that a suite is held in memory. Default: 1000 */
  suiteItems?: number | undefined;
}

/** JUnit XML, an item a `testcase`, a thousand items a `testsuite`. `failed` and `rejected` are failures, `error` is an error. */
export async function* toJunit(
  results: AsyncIterable<ItemResult>,
  { title = 'assay', suiteItems = 1000 }: JunitOptions = {},
): AsyncGenerator<string, void, undefined> {
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${xmlAttribute(title)}">\n`;
  let suite = new Suite(title);
  let number = 1;
  for await (const result of results) {
    if (suite.tests === suiteItems) {
      yield suite.toXml();
      suite = new Suite(`${title} (${++number})`);
    }
    suite.add(result);
  }
  if (suite.tests > 0 || number === 1) yield suite.toXml();
  yield '</testsuites>\n';
}

class Suite {
  readonly #name: string;
  readonly #cases: string[] = [];
  #failures = 0;
  #errors = 0;
  #ms = 0;
  #startedAt: string | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get tests(): number {
    return this.#cases.length;
  }

  add(result: ItemResult): void {
    if (result.verdict === 'error') this.#errors += 1;
    else if (result.verdict !== 'passed') this.#failures += 1;
    this.#ms += result.durationMs;
    this.#startedAt ??= result.startedAt;
    this.#cases.push(caseOf(result, this.#name));
  }

  toXml(): string {
    const counts = `tests="${this.tests}" failures="${this.#failures}" errors="${this.#errors}" skipped="0"`;
    const timestamp =
      this.#startedAt === undefined ? '' : ` timestamp="${xmlAttribute(this.#startedAt.replace(/Z$/, ''))}"`;
    const head = `<testsuite name="${xmlAttribute(this.#name)}" ${counts} time="${seconds(this.#ms)}"${timestamp}>`;
    return `  ${head}\n${this.#cases.join('')}  </testsuite>\n`;
  }
}

function caseOf(result: ItemResult, suite: string): string {
  const { id, group, language, verdict, durationMs } = result;
  const className = group ?? `${suite}.${language}`;
  const head = `    <testcase name="${xmlAttribute(id)}" classname="${xmlAttribute(className)}" time="${seconds(durationMs)}"`;
  if (verdict === 'passed') return `${head}/>\n`;
  const element = verdict === 'error' ? 'error' : 'failure';
  const type = result.diagnosis?.category ?? verdict;
  const message = `${verdict}: ${sentenceOf(result)}`;
  return [
    `${head}>`,
    `      <${element} type="${xmlAttribute(type)}" message="${xmlAttribute(message)}">${xmlText(explanationOf(result))}</${element}>`,
    ...outputOf('system-out', result.tests?.stdout.text || result.execution?.stdout.text),
    ...outputOf('system-err', result.tests?.stderr.text || result.execution?.stderr.text),
    '    </testcase>\n',
  ].join('\n');
}

function outputOf(element: string, text: string | undefined): string[] {
  return text ? [`      <${element}>${xmlText(text)}</${element}>`] : [];
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3);
