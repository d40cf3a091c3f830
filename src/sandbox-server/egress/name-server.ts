import { decode, encode, type Answer, type DecodedPacket, type Question } from 'dns-packet';

import type { LookedUpNames } from './looked-up-names.ts';
import type { Outbound } from './outbound.ts';
import { Pace } from './pace.ts';

const HEADER_BYTES = 12;
/** Without an extension that says more, and the most that one can say: it fits into one packet everywhere. */
const DATAGRAM_BYTES = 512;
const MAX_DATAGRAM_BYTES = 1_232;
const MAX_ANSWER_BYTES = 65_535;
const MAX_ADDRESSES = 256;
/** What was looked up is the name that rules go by, so it is not to be believed for long. */
const MAX_TTL_S = 300;
const NAME = /^(?=.{1,253}$)[\x21-\x2d\x2f-\x7e]{1,63}(\.[\x21-\x2d\x2f-\x7e]{1,63})*$/;

/** dns-packet's flags, which its types lack in part. */
const TRUNCATED = 1 << 9;
const RECURSION = (1 << 8) | (1 << 7);
const OPCODE = 0xf << 11;
const RCODE = { none: 0, serverFailed: 2, noSuchName: 3, notImplemented: 4, refused: 5 };

interface Outcome {
  code: number;
  answers: Answer[];
}

/** Answers the questions of one sandbox for names, by the server's own resolver. */
export class NameServer {
  #outbound: Outbound;
  #lookedUp: LookedUpNames;
  #pace = new Pace(100, 500);

  constructor(outbound: Outbound, lookedUp: LookedUpNames) {
    this.#outbound = outbound;
    this.#lookedUp = lookedUp;
  }

  /** The answer to a packet; undefined for one that is no question. Never rejects. */
  async answer(packet: Buffer, isDatagram: boolean): Promise<Buffer | undefined> {
    const asked = readQuestion(packet);
    if (!asked) return undefined;
    await this.#pace.turn();
    const { query, question } = asked;
    const outcome = await this.#lookUp(query, question).catch((error: unknown) => fault(codeOf(error)));
    const extension = query.additionals?.find((each) => each.type === 'OPT');
    const reply = ({ code, answers }: Outcome, flags = 0): Buffer =>
      encode({
        type: 'response',
        id: query.id ?? 0,
        flags: RECURSION | flags | code,
        questions: [question],
        answers,
        ...(extension && {
          additionals: [{ ...extension, options: [], udpPayloadSize: MAX_DATAGRAM_BYTES }],
        }),
      });
    const room = Math.min(Math.max(extension?.udpPayloadSize ?? 0, DATAGRAM_BYTES), MAX_DATAGRAM_BYTES);
    try {
      const whole = reply(outcome);
      return whole.length > (isDatagram ? room : MAX_ANSWER_BYTES)
        ? reply(fault(RCODE.none), TRUNCATED)
        : whole;
    } catch {
      // A name server said what no packet can hold.
      return reply(fault(RCODE.serverFailed));
    }
  }

  async #lookUp({ flags = 0 }: DecodedPacket, question: Question): Promise<Outcome> {
    const name = question.name.toLowerCase();
    const { names, addresses, rules } = this.#outbound;
    if ((flags & OPCODE) !== 0 || question.class !== 'IN') return fault(RCODE.notImplemented);
    // Else names could be a way to tell the outside something.
    if (!addresses.mayBeReached(name, rules)) return fault(RCODE.refused);
    const common = { name: question.name, ttl: MAX_TTL_S };
    const answers = await this.#records(question.type, name, names);
    return { code: RCODE.none, answers: answers.map((each) => ({ ...common, ...each }) as Answer) };
  }

  async #records(type: string, name: string, names: Outbound['names']): Promise<Partial<Answer>[]> {
    switch (type) {
      case 'A':
      case 'AAAA': {
        const found = await names.addressesOf(name, type === 'A' ? 4 : 6);
        const told = found
          .slice(0, MAX_ADDRESSES)
          .filter(({ address }) => !this.#outbound.addresses.isClosed(address));
        for (const { address } of told) this.#lookedUp.add(name, address);
        return told.map(({ address, ttl }) => ({ type, data: address, ttl: Math.min(ttl, MAX_TTL_S) }));
      }
      case 'MX': {
        const found = await names.servers.resolveMx(name);
        return found.map(({ priority, exchange }) => ({ type, data: { preference: priority, exchange } }));
      }
      case 'SRV': {
        const found = await names.servers.resolveSrv(name);
        return found.map(({ name: target, ...rest }) => ({ type, data: { ...rest, target } }));
      }
      case 'TXT':
        return (await names.servers.resolveTxt(name)).map((data) => ({ type, data }));
      case 'NS':
        return (await names.servers.resolveNs(name)).map((data) => ({ type, data }));
      case 'CNAME':
        return (await names.servers.resolveCname(name)).map((data) => ({ type, data }));
      default:
        return [];
    }
  }
}

function fault(code: number): Outcome {
  return { code, answers: [] };
}

function codeOf(error: unknown): number {
  const { code } = error as { code?: unknown };
  if (code === 'ENODATA') return RCODE.none;
  return code === 'ENOTFOUND' ? RCODE.noSuchName : RCODE.serverFailed;
}

/** The one question of a packet; undefined where it is anything else. */
function readQuestion(packet: Buffer): { query: DecodedPacket; question: Question } | undefined {
  if (packet.length < HEADER_BYTES) return undefined;
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((at) => packet.readUInt16BE(at));
  // Looked at first, for room is made for as many as it claims to have.
  if (questions !== 1 || answers !== 0 || authorities !== 0 || (additionals ?? 0) > 2) return undefined;
  try {
    const query = decode(packet);
    const [question] = query.questions ?? [];
    return question && query.type === 'query' && NAME.test(question.name) ? { query, question } : undefined;
  } catch {
    return undefined;
  }
}
