/** The stream a frame belongs to (Docker API, ContainerAttach: "Stream format"). */
const STREAM_NUMBERS = { stdin: 0, stdout: 1, stderr: 2 } as const;

const HEADER_BYTES = 8;

/**
 * One multiplexed frame: `{stream, 0, 0, 0, length as 32-bit big-endian}` and the data. Header and data are written
 * together, so that a frame is one chunk for the socket.
 */
export function frame(stream: keyof typeof STREAM_NUMBERS, data: Uint8Array): Buffer {
  const result = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  result.writeUInt32BE(STREAM_NUMBERS[stream] * 0x1000000, 0);
  result.writeUInt32BE(data.length, 4);
  result.set(data, HEADER_BYTES);
  return result;
}
