import { GuestLostError } from '../link/guest-stream.ts';
import { sandboxGoneResponse } from '../wire/api-error.ts';
import { ConnectFault, faultJson, httpStatusOf } from '../wire/connect-fault.ts';
import { endFrame, readMessages } from '../wire/connect-frames.ts';
import { parseTimeoutMs } from '../wire/parse-timeout.ts';
import type { AppContext } from './app-env.ts';
import { JsonFields } from '../wire/json-fields.ts';
import { bodyOf, readJsonObject } from './request-body.ts';

/** The content type of streams. */
export const STREAM_TYPE = 'application/connect+json';

/** Headers of every streamed Connect answer. */
export const STREAM_HEADERS = { 'content-type': STREAM_TYPE };

/** Answers a unary Connect call with the JSON that `handle` returns, or with the fault that it throws. */
export async function unaryCall(
  c: AppContext,
  handle: (fields: JsonFields) => Promise<object>,
): Promise<Response> {
  if (!hasType(c, 'application/json')) return wrongType('application/json');
  try {
    const timeoutMs = parseTimeoutMs(c.req.header('connect-timeout-ms'));
    const fields = new JsonFields(await readJsonObject(c));
    return Response.json(await withDeadline(handle(fields), timeoutMs));
  } catch (error) {
    return rpcErrorResponse(c, error);
  }
}

/** Answers a server-streaming Connect call: reads its one message and leaves the rest to `handle`. */
export async function streamCall(
  c: AppContext,
  handle: (fields: JsonFields) => Promise<Response>,
): Promise<Response> {
  if (!hasType(c, STREAM_TYPE)) return wrongType(STREAM_TYPE);
  try {
    for await (const message of readMessages(bodyOf(c))) {
      if (typeof message !== 'object' || message === null) break;
      return await handle(new JsonFields(message as Record<string, unknown>));
    }
    throw new ConnectFault('invalid_argument', 'the request has no message');
  } catch (error) {
    if (error instanceof GuestLostError) return sandboxGoneResponse(c.env.sandbox.id);
    // A stream's errors come in its last frame, with status 200.
    return new Response(endFrame(ConnectFault.from(error)) as Uint8Array<ArrayBuffer>, {
      headers: STREAM_HEADERS,
    });
  }
}

/** The answer to a unary call that failed. */
export function rpcErrorResponse(c: AppContext, error: unknown): Response {
  if (error instanceof GuestLostError) return sandboxGoneResponse(c.env.sandbox.id);
  const fault = ConnectFault.from(error);
  return Response.json(faultJson(fault), { status: httpStatusOf(fault.code) });
}

/** True where the request's content is of this type. */
export function hasType(c: AppContext, type: string): boolean {
  return (c.req.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() === type;
}

/** The answer to a request of another type than the one that is spoken. */
export function wrongType(type: string): Response {
  const fault = new ConnectFault('invalid_argument', `the content-type has to be ${type}`);
  return Response.json(faultJson(fault), { status: 415, headers: { 'accept-post': type } });
}

async function withDeadline<T>(work: Promise<T>, timeoutMs: number | undefined): Promise<T> {
  if (timeoutMs === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ConnectFault('deadline_exceeded', 'the deadline has passed')),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
