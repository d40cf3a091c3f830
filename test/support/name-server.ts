import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { decode, encode, type Answer } from 'dns-packet';

/** A name server of the tests, on the loopback. */
export interface TestNameServer {
  /** `127.0.0.1:PORT`, for `--dns`. */
  address: string;
  /** What names stand for, by `TYPE name`; may be changed. Others do not exist. */
  records: Map<string, unknown[]>;
  /** The names that it was asked for. */
  asked: string[];
  /** Lets what it is asked go unanswered. */
  isSilent: boolean;
  close(): void;
}

/** Starts one. */
export async function startNameServer(records: Record<string, unknown[]>): Promise<TestNameServer> {
  const socket = createSocket('udp4');
  const server: TestNameServer = {
    address: '',
    records: new Map(Object.entries(records)),
    asked: [],
    isSilent: false,
    close: () => socket.close(),
  };
  socket.on('message', (packet, { address, port }) => {
    const { id = 0, questions: [question] = [] } = decode(packet);
    if (!question) return;
    server.asked.push(question.name);
    if (server.isSilent) return;
    const name = question.name.toLowerCase();
    const found = server.records.get(`${question.type} ${name}`) ?? [];
    const isKnown = [...server.records.keys()].some((key) => key.endsWith(` ${name}`));
    const answers = found.map(
      (data) => ({ type: question.type, name: question.name, ttl: 60, data }) as Answer,
    );
    const answer = { id, type: 'response' as const, flags: isKnown ? 0 : 3, questions: [question], answers };
    socket.send(encode(answer), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  server.address = `127.0.0.1:${(socket.address() as AddressInfo).port}`;
  return server;
}
