/** Lines of a byte stream. */

/** The lines that are not empty; the last one may lack its end. */
export async function* readLines(body: AsyncIterable<Buffer>): AsyncGenerator<string, void, void> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const piece of body) {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece]);
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
      const line = pending.toString('utf8', 0, end).trim();
      pending = pending.subarray(end + 1);
      if (line !== '') yield line;
    }
  }
  const rest = pending.toString().trim();
  if (rest !== '') yield rest;
}
