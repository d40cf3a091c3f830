/** Connect's error codes with the HTTP status that a unary call answers with. */
const HTTP_STATUS = {
  canceled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
} as const;

/** One of the error codes of the Connect protocol. */
export type ConnectCode = keyof typeof HTTP_STATUS;

/** A failure that a client is told about: its Connect code and one sentence. */
export class ConnectFault extends Error {
  override readonly name = 'ConnectFault';
  readonly code: ConnectCode;

  constructor(code: ConnectCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Turns anything thrown into a fault; what is unknown becomes `internal`. */
  static from(thrown: unknown): ConnectFault {
    if (thrown instanceof ConnectFault) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new ConnectFault('internal', message, { cause: thrown });
  }
}

/** True for a string that is one of Connect's codes. */
export function isConnectCode(value: unknown): value is ConnectCode {
  return typeof value === 'string' && Object.hasOwn(HTTP_STATUS, value);
}

/** The HTTP status of a unary call that fails with this code. */
export function httpStatusOf(code: ConnectCode): number {
  return HTTP_STATUS[code];
}

/** The JSON body of a failed call, and of the `error` in the last frame of a stream. */
export function faultJson(fault: ConnectFault): { code: ConnectCode; message: string } {
  return { code: fault.code, message: fault.message };
}
