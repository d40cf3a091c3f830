import { describeFaults } from '../domain/spec-faults.ts';
import type { SpecFault } from '../domain/spec-faults.ts';

/** Every error of the client has a stable `code`. */
export abstract class AssayError extends Error {
  abstract readonly code: string;
}

/** The job as written cannot be run; nothing was started. */
export class InvalidSpecError extends AssayError {
  override readonly name = 'InvalidSpecError';
  readonly code = 'invalid-spec';
  /** Each fault with the path of its field. */
  readonly faults: readonly SpecFault[];

  constructor(faults: SpecFault[], options?: ErrorOptions) {
    super(describeFaults(faults), options);
    this.faults = faults;
  }
}

/** There is no job of this id, or the server has forgotten it. */
export class JobNotFoundError extends AssayError {
  override readonly name = 'JobNotFoundError';
  readonly code = 'job-not-found';
  readonly jobId: string;

  constructor(jobId: string, options?: ErrorOptions) {
    super(`There is no job ${jobId}`, options);
    this.jobId = jobId;
  }
}

/** The job was cancelled before it had a verdict. */
export class JobCancelledError extends AssayError {
  override readonly name = 'JobCancelledError';
  readonly code = 'job-cancelled';
  readonly jobId: string;

  constructor(jobId: string, options?: ErrorOptions) {
    super(`The job ${jobId} was cancelled`, options);
    this.jobId = jobId;
  }
}

/** The job's workflow failed or was terminated from outside, so there is no result. */
export class JobBrokenError extends AssayError {
  override readonly name = 'JobBrokenError';
  readonly code = 'job-broken';
  readonly jobId: string;

  constructor(jobId: string, why: string, options?: ErrorOptions) {
    super(`The job ${jobId} ended without a result: ${why}`, options);
    this.jobId = jobId;
  }
}

/** The job's result, or a part of it in the store, cannot be read. */
export class ResultUnreadableError extends AssayError {
  override readonly name = 'ResultUnreadableError';
  readonly code = 'result-unreadable';
  readonly jobId: string;

  constructor(jobId: string, why: string, options?: ErrorOptions) {
    super(`The result of the job ${jobId} cannot be read: ${why}`, options);
    this.jobId = jobId;
  }
}

/** There is no schedule of this name. */
export class ScheduleNotFoundError extends AssayError {
  override readonly name = 'ScheduleNotFoundError';
  readonly code = 'schedule-not-found';
  readonly schedule: string;

  constructor(schedule: string, options?: ErrorOptions) {
    super(`There is no schedule ${schedule}; assay schedule list shows those that are there`, options);
    this.schedule = schedule;
  }
}

/** There is a schedule of this name already. */
export class ScheduleExistsError extends AssayError {
  override readonly name = 'ScheduleExistsError';
  readonly code = 'schedule-exists';
  readonly schedule: string;

  constructor(schedule: string, options?: ErrorOptions) {
    super(`There is a schedule ${schedule} already; delete it first, or choose another name`, options);
    this.schedule = schedule;
  }
}

/** A fault of one item of a batch. */
export interface ItemFault extends SpecFault {
  /** Line of the input, counted from 1. */
  line: number;
  id?: string;
}

const FAULTS_IN_MESSAGE = 20;

function describeItemFaults(faults: readonly ItemFault[], items: number, most: number): string {
  const shown = faults
    .slice(0, most)
    .map(({ line, path, message }) => `line ${line}: ${describeFaults([{ path, message }])}`);
  const told = new Set(faults.map(({ line }) => line)).size;
  const sum = `${items} items are at fault in all`;
  if (shown.length < faults.length || told < items) return [...shown, `and more: ${sum}`].join('\n');
  return [...shown, ...(shown.length > FAULTS_IN_MESSAGE ? [sum] : [])].join('\n');
}

/** Items of a batch are no valid jobs; nothing was started. */
export class InvalidItemsError extends AssayError {
  override readonly name = 'InvalidItemsError';
  readonly code = 'invalid-items';
  /** The first 10,000, and all of the item that has the last of them. */
  readonly faults: readonly ItemFault[];
  /** How many items are at fault. */
  readonly items: number;

  constructor(faults: ItemFault[], items: number, options?: ErrorOptions) {
    super(describeItemFaults(faults, items, FAULTS_IN_MESSAGE), options);
    this.faults = faults;
    this.items = items;
  }

  /** All of `faults`, where the message has the first 20 only. */
  describe(): string {
    return describeItemFaults(this.faults, this.items, Infinity);
  }
}

/** There is no batch of this id, or the server has forgotten it. */
export class BatchNotFoundError extends AssayError {
  override readonly name = 'BatchNotFoundError';
  readonly code = 'batch-not-found';
  readonly batchId: string;

  constructor(batchId: string, options?: ErrorOptions) {
    super(`There is no batch ${batchId}`, options);
    this.batchId = batchId;
  }
}

/** The batch has ended, so that it cannot be paused or changed. */
export class BatchOverError extends AssayError {
  override readonly name = 'BatchOverError';
  readonly code = 'batch-over';
  readonly batchId: string;

  constructor(batchId: string, options?: ErrorOptions) {
    super(`The batch ${batchId} is over already`, options);
    this.batchId = batchId;
  }
}

/** The batch's workflow failed or was terminated from outside, or does not answer. */
export class BatchBrokenError extends AssayError {
  override readonly name = 'BatchBrokenError';
  readonly code = 'batch-broken';
  readonly batchId: string;

  constructor(batchId: string, why: string, options?: ErrorOptions) {
    super(`The batch ${batchId} gives no answer: ${why}`, options);
    this.batchId = batchId;
  }
}

/** The client was closed, before the call or in the middle of it. The job itself goes on. */
export class ClientClosedError extends AssayError {
  override readonly name = 'ClientClosedError';
  readonly code = 'client-closed';

  constructor(options?: ErrorOptions) {
    super('The client was closed', options);
  }
}

/** Nothing answers at the address of Temporal's server. */
export class UnreachableServerError extends AssayError {
  override readonly name = 'UnreachableServerError';
  readonly code = 'server-unreachable';
  readonly address: string;

  constructor(address: string, options?: ErrorOptions) {
    super(
      `No Temporal server answers at ${address}. Start one with \`assay dev\`, or set TEMPORAL_ADDRESS to where one runs`,
      options,
    );
    this.address = address;
  }
}

/** The server knows neither the caller nor what it may do. */
export class AuthenticationError extends AssayError {
  override readonly name = 'AuthenticationError';
  readonly code = 'not-authenticated';
  readonly address: string;

  constructor(address: string, why: string, options?: ErrorOptions) {
    super(
      `The Temporal server at ${address} refused access (${why}). Check TEMPORAL_API_KEY and TEMPORAL_NAMESPACE`,
      options,
    );
    this.address = address;
  }
}

/** The namespace does not exist on the server. */
export class NamespaceNotFoundError extends AssayError {
  override readonly name = 'NamespaceNotFoundError';
  readonly code = 'namespace-not-found';
  readonly namespace: string;

  constructor(namespace: string, address: string, options?: ErrorOptions) {
    super(
      `The Temporal server at ${address} has no namespace ${namespace}. Create it, or set TEMPORAL_NAMESPACE`,
      options,
    );
    this.namespace = namespace;
  }
}
