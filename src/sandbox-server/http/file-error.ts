import { GuestLostError } from '../link/guest-stream.ts';
import { apiErrorResponse, sandboxGoneResponse } from '../wire/api-error.ts';
import { ConnectFault, httpStatusOf, type ConnectCode } from '../wire/connect-fault.ts';

/** Where `/files` answers otherwise than Connect does. */
const FILE_STATUS: Partial<Record<ConnectCode, number>> = { resource_exhausted: 507 };

/** The answer of `/files` to what went wrong: `{code, message}`. */
export function fileErrorResponse(sandboxId: string, error: unknown): Response {
  if (error instanceof GuestLostError) return sandboxGoneResponse(sandboxId);
  const fault = ConnectFault.from(error);
  return apiErrorResponse(FILE_STATUS[fault.code] ?? httpStatusOf(fault.code), fault.message);
}
