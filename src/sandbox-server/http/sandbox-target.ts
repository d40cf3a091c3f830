/** What a request is for: a port of a sandbox, and the path that the server there is asked for. */
export interface SandboxTarget {
  sandboxId: string;
  port: number;
  path: string;
}

/** Reads one header; of repeated ones the first. */
export type HeaderReader = (name: string) => string | undefined;

export const GUEST_DAEMON_PORT = 49983;
export const CODE_INTERPRETER_PORT = 49999;

const HOST = /^(\d{1,5})-([a-z0-9]{10,40})\./;
const PATH = /^\/sandboxes\/([a-z0-9]{10,40})\/ports\/(\d{1,5})(?=$|[/?])/;

/** The sandbox and port that a request names: by E2B's headers, a host `PORT-ID.domain`, or a path `/sandboxes/ID/ports/PORT/…`. */
export function sandboxTarget(header: HeaderReader, path: string): SandboxTarget | undefined {
  const sandboxId = header('e2b-sandbox-id');
  if (sandboxId !== undefined) {
    return { sandboxId, port: Number(header('e2b-sandbox-port') ?? GUEST_DAEMON_PORT), path };
  }
  const host = HOST.exec(header('host') ?? '');
  if (host) return { port: Number(host[1]), sandboxId: host[2] ?? '', path };
  const named = PATH.exec(path);
  if (!named) return undefined;
  const rest = path.slice(named[0].length);
  return {
    sandboxId: named[1] ?? '',
    port: Number(named[2]),
    path: rest.startsWith('/') ? rest : `/${rest}`,
  };
}
