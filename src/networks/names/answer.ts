import {
  type Answer,
  decode,
  encode,
  type Packet,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet';
import type { NamesView } from './name-table.ts';

/** Seconds that a container may remember an answer: dockerd's. Addresses of names change when containers restart. */
const TIME_TO_LIVE = 600;

/** RFC 1035: what fits in UDP unless the asker says otherwise (EDNS). */
const CLASSIC_UDP_LIMIT = 512;

/** RFC 1035 response codes; dns-packet keeps them in the low bits of `flags`. */
const SERVER_FAILURE = 2;

const REVERSE_PATTERN = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/i;

/** A question as far as we understand it. */
export interface Question {
  readonly packet: Packet;
  readonly name: string;
  readonly type: string;
}

/** The question in a datagram; undefined if it is none that can be answered. */
export function parseQuestion(datagram: Buffer): Question | undefined {
  let packet: Packet;
  try {
    packet = decode(datagram);
  } catch {
    return undefined;
  }
  const [question] = packet.questions ?? [];
  if (packet.type !== 'query' || question === undefined) return undefined;
  return { packet, name: question.name.replace(/\.$/, ''), type: question.type };
}

/** The answer that the table has; undefined if others have to be asked. */
export function answerFromTable(question: Question, sandboxId: string, names: NamesView): Buffer | undefined {
  const { name, type } = question;
  if (type === 'PTR') {
    const octets = REVERSE_PATTERN.exec(name)?.slice(1).reverse();
    const owner = octets === undefined ? undefined : names.reverse(sandboxId, octets.join('.'));
    return owner === undefined ? undefined : reply(question, [{ type: 'PTR', name, ttl: TIME_TO_LIVE, data: owner }]);
  }
  const addresses = names.lookup(sandboxId, name);
  if (addresses === undefined) return undefined;
  // A name we know has addresses and nothing else: other types get an empty answer, not "no such name".
  if (type !== 'A') return reply(question, []);
  return reply(
    question,
    shuffle(addresses).map((data) => ({ type: 'A', name, ttl: TIME_TO_LIVE, data })),
  );
}

/** The answer that says nobody answered. */
export function serverFailure(question: Question): Buffer {
  return reply(question, [], SERVER_FAILURE);
}

/** The same answer in a form that fits the asker's UDP limit: emptied and marked truncated, so that it comes back over TCP. */
export function fitForUdp(question: Question, answer: Buffer): Buffer {
  const extension = question.packet.additionals?.find((record) => record.type === 'OPT');
  const offered = extension !== undefined && 'udpPayloadSize' in extension ? Number(extension.udpPayloadSize) : 0;
  return answer.length <= Math.max(offered, CLASSIC_UDP_LIMIT) ? answer : reply(question, [], TRUNCATED_RESPONSE);
}

function reply({ packet }: Question, answers: Answer[], flags = 0): Buffer {
  return encode({
    type: 'response',
    id: packet.id,
    flags: ((packet.flags ?? 0) & RECURSION_DESIRED) | RECURSION_AVAILABLE | flags,
    questions: packet.questions,
    answers,
  });
}

/** Spreads the load over containers that share an alias. */
function shuffle<T>(values: readonly T[]): readonly T[] {
  return values.length < 2 ? values : values.toSorted(() => Math.random() - 0.5);
}
