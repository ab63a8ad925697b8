import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Crc64 } from './crc64.ts';

function sumOf(...parts: readonly Uint8Array[]): string {
  const crc = new Crc64();
  for (const part of parts) crc.update(part);
  return crc.digest().toString('hex');
}

describe('crc64', () => {
  it('has the check value of CRC-64/GO-ISO', () => {
    assert.equal(sumOf(Buffer.from('123456789')), 'b90956c775a41001');
  });

  it('does not depend on how the data is cut or aligned', () => {
    const data = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7919) >> 3);
    const whole = sumOf(data);
    for (const cut of [1, 3, 8, 13, 500, 999]) {
      assert.equal(sumOf(data.subarray(0, cut), data.subarray(cut)), whole, `cut at ${cut}`);
    }
    const crc = new Crc64();
    crc.update(data.subarray(0, 77));
    const rest = new Crc64(crc.state);
    rest.update(data.subarray(77));
    assert.equal(rest.digest().toString('hex'), whole);
  });
});
