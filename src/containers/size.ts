const PREFIXES = ['', 'k', 'm', 'g', 't'];

/**
 * Bytes of a size such as `10m`; undefined if it is none. Docker counts some sizes in powers of 1000 (docker/go-units
 * FromHumanSize: `max-size` of logs) and others in powers of 1024 (RAMInBytes: memory).
 */
export function parseSize(text: string, unit: 1000 | 1024): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (!match) return undefined;
  return Math.floor(Number(match[1]) * unit ** PREFIXES.indexOf((match[2] ?? '').toLowerCase()));
}
