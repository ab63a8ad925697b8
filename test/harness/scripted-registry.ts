/** A registry that answers from a table read from standard input, and can stall or cut off: see startScriptedRegistry. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { ScriptedAnswer } from './registry.ts';

const answers = (await json(process.stdin)) as Readonly<Record<string, ScriptedAnswer>>;

const server = createServer((request, response) => {
  const path = (request.url ?? '').split('?')[0] ?? '';
  const answer: ScriptedAnswer = answers[path] ?? (path === '/v2/' ? {} : { status: 404 });
  const body = Buffer.from(answer.body ?? '', 'base64');
  response.writeHead(answer.status ?? 200, { 'Content-Length': body.length, ...answer.headers });
  const limit = answer.stallAfter ?? answer.cutAfter;
  if (request.method === 'HEAD' || limit === undefined) {
    response.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  response.write(body.subarray(0, limit), () => {
    if (answer.cutAfter !== undefined) response.destroy();
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`);
});
