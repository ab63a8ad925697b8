// The ISO polynomial x^64 + x^4 + x^3 + x + 1 (ISO 3309), bits reflected, as in Go's hash/crc64. It is so sparse that a
// whole word is reduced with a few shifts: multiplying by x^64 is multiplying by x^4 + x^3 + x + 1.
const REFLECTED_HIGH_BYTE = 0xd8000000;

/** The CRC-64/ISO of a stream of bytes, which tar-split keeps for each file. */
export class Crc64 {
  #high: number;
  #low: number;

  /** Starts anew, or goes on from an earlier {@link state}. */
  constructor(state: readonly [high: number, low: number] = [-1, -1]) {
    [this.#high, this.#low] = state;
  }

  update(bytes: Uint8Array): void {
    const wordBytes = bytes.byteOffset % 4 === 0 ? bytes.length & ~7 : 0;
    if (wordBytes > 0) this.#words(new Uint32Array(bytes.buffer, bytes.byteOffset, wordBytes >> 2));
    if (wordBytes === 0 && bytes.length >= 8) this.update(Uint8Array.from(bytes));
    else for (let index = wordBytes; index < bytes.length; index++) this.#byte(bytes[index] ?? 0);
  }

  /** Where a later {@link Crc64} can go on. */
  get state(): readonly [high: number, low: number] {
    return [this.#high, this.#low];
  }

  /** The sum, big-endian. */
  digest(): Buffer {
    const sum = Buffer.alloc(8);
    sum.writeUInt32BE(~this.#high >>> 0, 0);
    sum.writeUInt32BE(~this.#low >>> 0, 4);
    return sum;
  }

  #words(words: Uint32Array): void {
    let high = this.#high;
    let low = this.#low;
    for (let index = 0; index < words.length; index += 2) {
      const a = low ^ (words[index] as number);
      const b = high ^ (words[index + 1] as number);
      const overflow = (a << 31) ^ (a << 29) ^ (a << 28);
      low = a ^ ((a >>> 1) | (b << 31)) ^ ((a >>> 3) | (b << 29)) ^ ((a >>> 4) | (b << 28));
      high = b ^ (b >>> 1) ^ (b >>> 3) ^ (b >>> 4);
      high ^= overflow ^ (overflow >>> 1) ^ (overflow >>> 3) ^ (overflow >>> 4);
    }
    this.#high = high;
    this.#low = low;
  }

  #byte(byte: number): void {
    let high = this.#high;
    let low = this.#low ^ byte;
    for (let bit = 0; bit < 8; bit++) {
      const carry = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (carry === 1) high ^= REFLECTED_HIGH_BYTE;
    }
    this.#high = high | 0;
    this.#low = low;
  }
}
