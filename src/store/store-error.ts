/** What went wrong with the store; stable, for code that reacts to it. */
export type StoreErrorCode =
  | 'not-found'
  | 'damaged'
  | 'bad-url'
  | 'bad-reference'
  | 'denied'
  | 'full'
  | 'unavailable';

/** The store could not do what was asked. `cause` is the storage service's own error. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Turns anything thrown by OpenDAL or by a stream into a `StoreError`. */
  static from(error: unknown, doing: string): StoreError {
    if (error instanceof StoreError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new StoreError(codeOf(message), `The store failed to ${doing}: ${message}`, { cause: error });
  }
}

/** OpenDAL's Node binding gives its error kind only as the first word of the message. */
function codeOf(message: string): StoreErrorCode {
  if (/^NotFound\b/.test(message)) return 'not-found';
  if (/^PermissionDenied\b/.test(message)) return 'denied';
  if (/^ConfigInvalid\b/.test(message)) return 'bad-url';
  if (/os error 28|No space left|ENOSPC|EDQUOT|os error 122/.test(message)) return 'full';
  return 'unavailable';
}
