import { isGrpcServiceError } from '@temporalio/client';
import { StoreError } from '../store/store-error.ts';
import { AssayError, AuthenticationError, NamespaceNotFoundError, UnreachableServerError } from './errors.ts';

/** gRPC's status codes that mean something to a caller. */
const GRPC = {
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export interface ServerPlace {
  address: string;
  namespace: string;
}

/** Turns what a call to Temporal has thrown into an error of ours, where it is one that a user can act on. */
export function fromServer(error: unknown, { address, namespace }: ServerPlace): unknown {
  if (error instanceof AssayError || error instanceof StoreError) return error;
  const status = statusOf(error);
  const why = messageOf(error);
  const options = { cause: error };
  const refused = status === undefined && REFUSED.test(why);
  if (refused || status === GRPC.unauthenticated || status === GRPC.permissionDenied)
    return new AuthenticationError(address, why, options);
  if ((status === GRPC.notFound || status === undefined) && /namespace .*not found/i.test(why))
    return new NamespaceNotFoundError(namespace, address, options);
  if (isNamed(error, 'NamespaceNotFoundError'))
    return new NamespaceNotFoundError(namespace, address, options);
  return isUnreachable(error) ? new UnreachableServerError(address, options) : error;
}

/** Whether the server did not answer at all, so that the same call may do later. */
export function isUnreachable(error: unknown): boolean {
  const status = statusOf(error);
  if (status === GRPC.unavailable || status === GRPC.deadlineExceeded) return true;
  return status === undefined && UNREACHABLE.test(messageOf(error));
}

/** Temporal's native connection, which workers use, gives its errors as text only. */
const UNREACHABLE =
  /failed to connect|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|tonic::transport|code: '?(unavailable|deadline)/i;
const REFUSED = /code: '?(unauthenticated|permission ?denied)/i;

function statusOf(error: unknown): number | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (isGrpcServiceError(at)) return at.code;
  return undefined;
}

function messageOf(error: unknown): string {
  let message = String(error);
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    message = isGrpcServiceError(at) ? at.details || at.message : at.message;
  return message;
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
