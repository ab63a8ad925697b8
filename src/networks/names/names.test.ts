import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { type Answer, decode, encode, type Packet, type RecordType } from 'dns-packet';
import type { Endpoint } from '../model.ts';
import { answerFromTable, fitForUdp, parseQuestion, serverFailure } from './answer.ts';
import { forward, frame, readFrames } from './forwarder.ts';
import { NameTable } from './name-table.ts';

function endpoint(networkName: string, address: string, dnsNames: readonly string[]): Endpoint {
  return {
    networkId: networkName,
    networkName,
    endpointId: '',
    interfaceName: 'eth0',
    hostInterfaceName: 'veth0',
    address,
    prefixLength: 24,
    gateway: '10.0.0.1',
    macAddress: '',
    gatewayPriority: 0,
    dnsNames,
  };
}

function tableOf(sandboxes: Readonly<Record<string, readonly Endpoint[]>>): NameTable {
  const table = new NameTable();
  for (const [id, endpoints] of Object.entries(sandboxes)) {
    table.set({ id, endpoints, gatewayNetworkId: 'one', dnsServers: [], namesPort: 1 });
  }
  return table;
}

const query = (name: string, type: RecordType = 'A', more: Partial<Packet> = {}) =>
  encode({ type: 'query', id: 77, flags: 256, questions: [{ type, name }], ...more });

function ask(table: NameTable, sandbox: string, name: string, type: RecordType = 'A'): readonly Answer[] | undefined {
  const question = parseQuestion(query(name, type));
  assert.ok(question);
  const answer = answerFromTable(question, sandbox, table);
  return answer === undefined ? undefined : decode(answer).answers;
}

test('names are seen by those on the same network only', () => {
  const table = tableOf({
    a: [endpoint('one', '10.0.0.2', ['web', 'alias']), endpoint('two', '10.0.1.2', ['web'])],
    b: [endpoint('one', '10.0.0.3', ['db', 'alias'])],
    c: [endpoint('two', '10.0.1.3', ['c'])],
  });
  assert.deepEqual(table.lookup('b', 'WEB'), ['10.0.0.2']);
  assert.deepEqual(table.lookup('c', 'web'), ['10.0.1.2']);
  assert.equal(table.lookup('c', 'db'), undefined);
  assert.deepEqual(table.lookup('b', 'alias')?.toSorted(), ['10.0.0.2', '10.0.0.3']);
  assert.equal(table.reverse('b', '10.0.0.2'), 'web.one');
  assert.equal(table.reverse('c', '10.0.0.2'), undefined);
  table.delete('a');
  assert.equal(table.lookup('b', 'web'), undefined);
  assert.deepEqual(table.lookup('b', 'alias'), ['10.0.0.3']);
});

test('known names have an A record and nothing else', () => {
  const table = tableOf({ a: [endpoint('one', '10.0.0.2', ['web'])] });
  assert.deepEqual(
    ask(table, 'a', 'web')?.map((answer) => 'data' in answer && answer.data),
    ['10.0.0.2'],
  );
  assert.deepEqual(ask(table, 'a', 'web', 'AAAA'), []);
  assert.deepEqual(ask(table, 'a', 'web', 'MX'), []);
  assert.equal(ask(table, 'a', 'other'), undefined);
  assert.deepEqual(
    ask(table, 'a', '2.0.0.10.in-addr.arpa', 'PTR')?.map((answer) => 'data' in answer && answer.data),
    ['web.one'],
  );
});

test('answers too long for UDP are truncated, unless the asker takes more', () => {
  const sandboxes = Array.from({ length: 60 }, (_, index) => [
    `s${index}`,
    [endpoint('one', `10.0.0.${index + 2}`, ['many'])],
  ]);
  const table = tableOf(Object.fromEntries(sandboxes));
  const fit = (more: Partial<Packet>) => {
    const question = parseQuestion(query('many', 'A', more));
    assert.ok(question);
    const answer = answerFromTable(question, 's0', table);
    assert.ok(answer);
    return decode(fitForUdp(question, answer));
  };
  assert.deepEqual([fit({}).flag_tc, fit({}).answers?.length], [true, 0]);
  const extended = { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] }] } as never;
  assert.equal(fit(extended).answers?.length, 60);
});

test('garbage is no question', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(12), Buffer.alloc(600, 0xff)]) {
    assert.equal(parseQuestion(bytes), undefined);
  }
  const question = parseQuestion(query('x'));
  assert.ok(question);
  // RFC 1035: response code 2.
  assert.equal((decode(serverFailure(question)).flags ?? 0) & 0xf, 2);
});

test('questions are forwarded over their own transport; a failing server is passed over', async () => {
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const { port } = udp.address();
  const failing = createSocket('udp4').bind(port, '127.0.0.2');
  await once(failing, 'listening');
  const respond = (message: Buffer, flags: number, answers: Answer[]) =>
    encode({ type: 'response', id: message.readUInt16BE(0), flags, questions: [], answers });
  const found: Answer[] = [{ type: 'A', name: 'x', data: '1.2.3.4' }];
  udp.on('message', (message, from) => udp.send(respond(message, 0, found), from.port, from.address));
  failing.on('message', (message, from) => failing.send(respond(message, 2, []), from.port, from.address));
  const tcp = createServer(async (socket) => {
    for await (const message of readFrames(socket)) socket.end(frame(respond(message, 0, found)));
  }).listen(port, '127.0.0.1');
  await once(tcp, 'listening');
  assert.equal((tcp.address() as AddressInfo).port, port);
  const overUdp = await forward(query('x'), 'udp', ['127.0.0.2', '127.0.0.1'], port);
  const overTcp = await forward(query('x'), 'tcp', ['127.0.0.2', '127.0.0.1'], port);
  assert.ok(overUdp && overTcp);
  assert.equal(decode(overUdp).answers?.length, 1);
  assert.equal(decode(overTcp).answers?.length, 1);
  assert.equal(await forward(query('x'), 'tcp', ['127.0.0.3'], port), undefined);
  udp.close();
  failing.close();
  tcp.close();
});
