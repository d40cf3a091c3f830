export { agentJob } from './agent-job.ts';
export { batchValidation } from './batch-validation.ts';
export { notification, scheduledBatch } from './scheduled-batch.ts';
