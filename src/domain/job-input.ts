import type { Content } from './blob.ts';
import type { ParsedJobSpec, TestKind } from './job-spec.ts';

/** A parsed job as the workflow carries it: large parts are references into the store. */
export interface JobInput extends Pick<
  ParsedJobSpec,
  'key' | 'language' | 'validate' | 'artifacts' | 'limits' | 'retry' | 'template' | 'labels'
> {
  jobId: string;
  /** Whether the server knows Assay's search attributes. */
  indexed: boolean;
  /** The batch that it belongs to. */
  batch?: string | undefined;
  code: Content;
  codeChars: number;
  files: { path: string; content: Content }[];
  /** `source` is the test file, or for `io` the cases as JSON. */
  tests?: {
    kind: TestKind;
    source: Content;
    coverage?: { lines?: number | undefined; branches?: number | undefined } | undefined;
  };
}
