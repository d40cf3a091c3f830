import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { callbackify } from 'node:util';

import type { CertificateAuthority } from '../../src/sandbox-server/egress/certificate-authority.ts';

/** A request as a host of the outside has it. */
export interface Heard {
  by: string;
  method: string;
  url: string;
  headers: Record<string, string[]>;
  bytes: number;
}

/** What its programs say that they are asked; `heard` grows. */
export interface EchoServer {
  server: Server;
  heard: Heard[];
}

/** What it answers to `/large`. */
export const LARGE_BYTES = 20_000_000;

/** A host that answers with what it was asked, and upgrades what asks for it to an echo. With an authority it speaks TLS, by the certificate of any name. */
export function echoServer(by: string, authority?: CertificateAuthority): EchoServer {
  const heard: Heard[] = [];
  const read = ({ method = '', url = '', headersDistinct }: IncomingMessage, bytes: number): Heard => {
    const said = { by, method, url, headers: { ...headersDistinct } as Record<string, string[]>, bytes };
    heard.push(said);
    return said;
  };
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    let bytes = 0;
    for await (const chunk of incoming) bytes += (chunk as Buffer).length;
    const text = JSON.stringify(read(incoming, bytes));
    if (incoming.url === '/moved') outgoing.writeHead(302, { location: 'https://other.example.com/' });
    if (incoming.url === '/large') return void outgoing.end(Buffer.alloc(LARGE_BYTES, 'x'));
    outgoing.end(text);
  };
  const server = authority
    ? createSecureServer(
        { SNICallback: callbackify((host: string) => authority.contextOf(host)) },
        (incoming, outgoing) => void answer(incoming, outgoing),
      )
    : createServer((incoming, outgoing) => void answer(incoming, outgoing));
  server.on('upgrade', (incoming: IncomingMessage, client: Duplex) => {
    client.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${incoming.headers.upgrade}\r\n\r\n`,
    );
    client.write(`${JSON.stringify(read(incoming, 0))}\n`);
    client.on('error', () => client.destroy()).pipe(client);
  });
  return { server, heard };
}
