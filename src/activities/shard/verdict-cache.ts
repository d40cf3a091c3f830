import { createHash } from 'node:crypto';
import packageJson from 'assay/package.json' with { type: 'json' };
import type { ItemLine, ItemResult } from '../../domain/batch.ts';
import type { Content } from '../../domain/blob.ts';
import type { JobInput } from '../../domain/job-input.ts';
import { runnersHash } from '../../steps/runner.ts';
import type { Store } from '../../store/store.ts';
import { verdictName } from '../../store/verdict-names.ts';

/** Changed with what may change a verdict besides the runners, whose text counts by itself: the validator's rules, how results are judged. */
const JUDGEMENT_VERSION = 2;
/** Failures that may be chance. */
const CHANCE = ['timeout', 'memory'];
const READS_AT_ONCE = 32;

/** Recorded verdicts by what was asked: the same code, tests, files, limits, policy and template, by the same version of Assay. */
export class VerdictCache {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The items whose verdict is recorded, as results of theirs. A store that does not answer is no reason to fail. */
  async find(lines: ItemLine[]): Promise<ItemResult[]> {
    const found: ItemResult[] = [];
    const queue = lines.values();
    const read = async (): Promise<void> => {
      for (const line of queue) {
        const result = line.job && (await this.#read(line, line.job));
        if (result) found.push(result);
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, read));
    return found;
  }

  /** Records a verdict about the code, unless it may be chance. */
  async put(job: JobInput, result: ItemResult): Promise<void> {
    if (result.verdict === 'error' || result.flaky || CHANCE.includes(result.diagnosis?.category ?? ''))
      return;
    await this.#store.putNamed(nameOf(job), JSON.stringify(result)).catch(() => undefined);
  }

  async #read({ id, index, group }: ItemLine, job: JobInput): Promise<ItemResult | undefined> {
    const bytes = await this.#store.getNamed(nameOf(job)).catch(() => undefined);
    if (!bytes) return undefined;
    try {
      const { group: _, ...recorded } = JSON.parse(Buffer.from(bytes).toString('utf8')) as ItemResult;
      const { jobId, key, labels } = job;
      const own = { id, index, ...(group !== undefined && { group }), jobId, key, labels };
      return { ...recorded, ...own, cached: true };
    } catch {
      return undefined; // It was being written when its worker was killed.
    }
  }
}

function nameOf(job: JobInput): string {
  const { language, code, files, tests, validate, artifacts, limits, template } = job;
  const asked = {
    version: [packageJson.version, JUDGEMENT_VERSION, runnersHash()],
    code: hashOf(code),
    files: files.map(({ path, content }) => [path, hashOf(content)]),
    tests: tests && { ...tests, source: hashOf(tests.source) },
    ...{ language, validate, artifacts, limits, template },
  };
  const hash = createHash('sha256').update(JSON.stringify(asked)).digest('hex');
  return verdictName(hash);
}

function hashOf(content: Content): string {
  if ('blob' in content) return content.blob.sha256;
  const bytes = 'text' in content ? content.text : Buffer.from(content.base64, 'base64');
  return createHash('sha256').update(bytes).digest('hex');
}
