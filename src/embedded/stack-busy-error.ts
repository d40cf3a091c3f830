import type { DatabaseOwner } from './database-claim.ts';

/** The database is in use by another stack. */
export class StackBusyError extends Error {
  override readonly name = 'StackBusyError';
  readonly code = 'stack-busy';

  constructor(db: string, owner: DatabaseOwner) {
    super(
      owner.kind === 'dev'
        ? `assay dev already runs on ${db} (pid ${owner.pid}); use that one, end it, or give this one --db FILE or --ephemeral`
        : `a command (pid ${owner.pid}) runs on ${db}; wait for it, or give --db FILE or --ephemeral`,
    );
  }
}
