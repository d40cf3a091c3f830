import type { Content } from '../domain/blob.ts';
import type { JobInput } from '../domain/job-input.ts';
import { JobSpec } from '../domain/job-spec.ts';
import type { ParsedJobSpec, TestSpec } from '../domain/job-spec.ts';
import { specFaults } from '../domain/spec-faults.ts';
import type { SpecFault } from '../domain/spec-faults.ts';
import { toContent } from '../store/content.ts';
import type { Store } from '../store/store.ts';
import { parseReference } from '../store/reference.ts';
import { StoreError } from '../store/store-error.ts';
import { InvalidSpecError } from './errors.ts';

/** Largest input file, in bytes. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024;

/** Parses a spec as a user wrote it. Throws InvalidSpecError with every fault. */
export function parseSpec(spec: unknown): ParsedJobSpec {
  const parsed = JobSpec.safeParse(spec, { reportInput: true });
  if (!parsed.success) throw new InvalidSpecError(specFaults(parsed.error), { cause: parsed.error });
  return parsed.data;
}

/** Puts the large parts of a job into the store and leaves references. Throws InvalidSpecError and StoreError. */
export async function prepareJob(
  spec: ParsedJobSpec,
  store: Store,
  { jobId, indexed }: Pick<JobInput, 'jobId' | 'indexed'>,
): Promise<JobInput> {
  const faults: SpecFault[] = [];
  const files: JobInput['files'] = [];
  for (const [index, file] of spec.files.entries()) {
    const content = await fileContent(file, store);
    if ('fault' in content) faults.push({ path: `files[${index}].${content.field}`, message: content.fault });
    else files.push({ path: file.path, content });
  }
  if (faults.length > 0) throw new InvalidSpecError(faults);
  const { key, language, validate, artifacts, limits, retry, template, labels } = spec;
  return {
    ...{ key, language, validate, artifacts, limits, retry, template, labels },
    jobId,
    indexed,
    code: await toContent(spec.code, store),
    codeChars: spec.code.length,
    files,
    ...(spec.tests && { tests: await testContent(spec.tests, store) }),
  };
}

type FileFault = { field: 'content' | 'base64' | 'from'; fault: string };

async function fileContent(file: ParsedJobSpec['files'][number], store: Store): Promise<Content | FileFault> {
  if (file.from !== undefined) return await storedContent(file.from, store);
  const bytes = file.base64 === undefined ? (file.content ?? '') : Buffer.from(file.base64, 'base64');
  const size = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.byteLength;
  if (size > MAX_FILE_BYTES)
    return { field: file.base64 === undefined ? 'content' : 'base64', fault: tooLarge(size) };
  return await toContent(bytes, store);
}

/** A blob that is in the store already. Reading it once proves that it is there and whole. */
async function storedContent(from: string, store: Store): Promise<Content | FileFault> {
  const reference = parseReference(from);
  if (!reference)
    return {
      field: 'from',
      fault: 'must be a reference into the store such as blob:sha256:…; `assay.putFile(path)` gives one',
    };
  let bytes = 0;
  try {
    for await (const chunk of await store.read({ ref: from })) bytes += (chunk as Uint8Array).byteLength;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found')
      return { field: 'from', fault: 'is not in the store' };
    throw error;
  }
  if (bytes > MAX_FILE_BYTES) return { field: 'from', fault: tooLarge(bytes) };
  // What a run of a schedule owns goes with it; the job keeps a copy.
  if (reference.owner !== undefined) return { blob: await store.put(await store.read({ ref: from })) };
  return { blob: { ref: from, bytes, sha256: reference.sha256 } };
}

export function tooLarge(bytes: number): string {
  const inMb = (size: number) => Math.round(size / 1024 / 1024);
  return `has ${inMb(bytes)} MiB; a file may have at most ${inMb(MAX_FILE_BYTES)} MiB`;
}

async function testContent(tests: TestSpec, store: Store): Promise<JobInput['tests']> {
  if (tests.kind === 'io') return { kind: 'io', source: await toContent(JSON.stringify(tests.cases), store) };
  return { kind: tests.kind, source: await toContent(tests.code, store), coverage: tests.coverage };
}
