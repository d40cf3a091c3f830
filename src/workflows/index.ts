export { agentJob } from './agent-job.ts';
export { batchValidation } from './batch-validation.ts';
