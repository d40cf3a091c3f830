export { agentJob } from './agent-job.ts';
