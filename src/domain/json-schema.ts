import { z } from 'zod';
import { JobResult } from './job-result.ts';
import { JobSpec } from './job-spec.ts';

export type JsonSchema = Record<string, unknown>;

/** JSON Schema (2020-12) of a job as a user writes it: what has a default may be left out. */
export function jobSpecSchema(): JsonSchema {
  return titled('JobSpec', z.toJSONSchema(JobSpec, { io: 'input' }));
}

/** JSON Schema (2020-12) of a job's result. */
export function jobResultSchema(): JsonSchema {
  return titled('JobResult', z.toJSONSchema(JobResult, { io: 'output' }));
}

function titled(title: string, { $schema, ...schema }: JsonSchema): JsonSchema {
  return { $schema, title, ...schema };
}
