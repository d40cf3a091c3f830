import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Sandbox } from '@e2b/code-interpreter';
import { Secret, type SandboxNetworkOpts } from 'e2b';

import { CertificateAuthority } from '../../src/sandbox-server/egress/certificate-authority.ts';
import { echoServer, type EchoServer, type Heard } from './echo-server.ts';
import { startOwnInternet, type OwnInternet } from './own-internet.ts';

export const API = '203.0.113.7';
const OTHER = '203.0.113.8';
export const LIAR = '203.0.113.9';
export const ODD = '203.0.113.10';
export const SHUT = '203.0.113.11';
/** Of the secret `api-key`. */
export const VALUE = 'value-that-nobody-sees-4417';
export const NAMES = {
  'A api.example.com': [API],
  'A deep.api.example.com': [API],
  'A other.example.com': [OTHER],
  'A liar.example.com': [LIAR],
  'A odd.example.com': [ODD],
  'A shut.example.com': [SHUT],
};

export const RULES = {
  'API.example.com': [{ transform: { headers: { Authorization: `Bearer ${Secret.fill('Api-Key')}` } } }],
  '*.api.example.com': [{ transform: { headers: { 'X-Below': 'yes' } } }],
  'liar.example.com': [{ transform: { headers: { Authorization: Secret.fill('api-key') } } }],
} satisfies SandboxNetworkOpts['rules'];

/** An internet with hosts of rules, and a sandbox that has those. */
export interface RuledInternet {
  internet: OwnInternet;
  connection: OwnInternet['connection'];
  sandbox: Sandbox;
  /** Who vouches for hosts of this internet, as the server is told by the file `trust`. */
  authority: CertificateAuthority;
  trust: string;
  folder: string;
  api: EchoServer;
  /** `api` without TLS. */
  plain: EchoServer;
  /** No rule is of it. */
  other: EchoServer;
  /** Nobody knows who vouches for it. */
  liar: EchoServer;
  stop(): Promise<void>;
}

export async function startRuledInternet(): Promise<RuledInternet> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-test-rules-'));
  const authority = await CertificateAuthority.make();
  const trust = join(folder, 'trust.pem');
  writeFileSync(trust, authority.certificate);
  const internet = await startOwnInternet(['--trust', trust]);
  const { connection } = internet;
  await internet.setNames(NAMES);
  const api = echoServer('api', authority);
  const other = echoServer('other', authority);
  const plain = echoServer('plain');
  const liar = echoServer('liar', await CertificateAuthority.make());
  await internet.serve(api.server, API, 443);
  await internet.serve(other.server, OTHER, 443);
  await internet.serve(plain.server, API, 80);
  await internet.serve(liar.server, LIAR, 443);
  await Secret.create('api-key', VALUE, connection);
  const sandbox = await Sandbox.create({
    ...connection,
    allowInternetAccess: true,
    network: { rules: RULES },
  });
  return {
    ...{ internet, connection, sandbox, authority, trust, folder, api, plain, other, liar },
    async stop() {
      await internet.stop();
      for (const { server } of [api, other, plain, liar]) server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** What a command prints, whether it fails or not. */
export async function run(command: string, where: Sandbox): Promise<string> {
  return (await where.commands.run(`${command} 2>&1 || true`)).stdout.trim();
}

/** What a host of the outside has heard, which is all that a command prints. */
export async function heardBy(command: string, where: Sandbox): Promise<Heard> {
  const said = await run(command, where);
  if (!/^\{.*\}$/.test(said)) throw new Error(`there is no answer: ${said}`);
  return JSON.parse(said) as Heard;
}

/** Says something to `api`, by hand, over TLS where that is its port; what comes back until the end. */
export async function raw(said: string, where: Sandbox, port = 443): Promise<string> {
  const program = `
import socket, ssl, sys
s = socket.create_connection(('api.example.com', ${port}), 10)
if ${port} == 443: s = ssl.create_default_context().wrap_socket(s, server_hostname='api.example.com')
s.settimeout(10); s.sendall(${JSON.stringify(said)}.encode('latin1'))
try:
    for chunk in iter(lambda: s.recv(65536), b''): sys.stdout.write(chunk.decode())
except OSError as error: print(type(error).__name__)`;
  await where.files.write('/tmp/raw.py', program);
  return run('python3 /tmp/raw.py', where);
}

/** A request, written by hand. */
export const asked = (target: string, ...fields: string[]): string =>
  `GET ${target} HTTP/1.1\r\n${fields.map((field) => `${field}\r\n`).join('')}Connection: close\r\n\r\n`;
