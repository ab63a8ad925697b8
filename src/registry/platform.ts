/** Platforms of images: `os[/architecture[/variant]]`, and the choice of one image from an index, as containerd chooses. */
import { invalidParameter } from '../base/index.ts';

export interface Platform {
  readonly os: string;
  /** GOARCH name: `amd64`, `arm64`, `arm`. */
  readonly architecture: string;
  /** `v7` of arm; absent where there is but one. */
  readonly variant?: string;
}

/** Node's names for architectures that Go calls differently. */
const NODE_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

const KNOWN_OS = new Set(['linux', 'windows', 'darwin', 'freebsd', 'openbsd', 'netbsd', 'solaris', 'illumos', 'aix']);
const COMPONENT_PATTERN = /^[A-Za-z0-9_.-]+$/;

/** What this machine runs. */
export function hostPlatform(): Platform {
  const architecture = NODE_ARCHITECTURES[process.arch] ?? process.arch;
  return normalized({ os: 'linux', architecture, ...(architecture === 'arm' ? { variant: 'v7' } : {}) });
}

/** Reads a platform as users write it (`linux/arm64`, `arm64`, `linux`). Throws invalidParameter with dockerd's texts. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  const bad = (reason: string) => invalidParameter(`${JSON.stringify(text)}: ${reason}: invalid argument`);
  for (const part of parts) {
    if (!COMPONENT_PATTERN.test(part)) {
      throw invalidParameter(
        `${JSON.stringify(part)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument`,
      );
    }
  }
  const [first = '', second, variant] = parts;
  if (parts.length > 3) throw bad('cannot parse platform specifier');
  if (second === undefined) {
    if (KNOWN_OS.has(first.toLowerCase())) return { ...hostPlatform(), os: first.toLowerCase() };
    const platform = normalized({ os: 'linux', architecture: first });
    if (!isKnownArchitecture(platform.architecture)) throw bad('unknown operating system or architecture');
    return platform;
  }
  return normalized({ os: first, architecture: second, ...(variant === undefined ? {} : { variant }) });
}

/** `linux/arm/v7` */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
}

/** Both names and variants in the one form that images use (`x86_64` is `amd64`, `arm64/v8` is `arm64`). */
export function normalized(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase();
  const given = platform.architecture.toLowerCase();
  let variant = platform.variant?.toLowerCase();
  let architecture = given;
  if (given === 'i386') [architecture, variant] = ['386', undefined];
  if (given === 'x86_64' || given === 'x86-64') architecture = 'amd64';
  if (architecture === 'amd64' && variant === 'v1') variant = undefined;
  if (given === 'aarch64') architecture = 'arm64';
  if (architecture === 'arm64' && (variant === '8' || variant === 'v8')) variant = undefined;
  if (given === 'armhf') [architecture, variant] = ['arm', 'v7'];
  if (given === 'armel') [architecture, variant] = ['arm', 'v6'];
  if (architecture === 'arm')
    variant = variant === undefined || variant === '' ? 'v7' : variant.replace(/^(\d)/, 'v$1');
  return { os, architecture, ...(variant === undefined || variant === '' ? {} : { variant }) };
}

/** How well an image's platform suits the wanted one: 0 is exact, higher is a fallback, undefined cannot run. */
export function platformRank(wanted: Platform, offered: Platform): number | undefined {
  const candidates = fallbacks(normalized(wanted));
  const rank = candidates.findIndex((candidate) => formatPlatform(candidate) === formatPlatform(normalized(offered)));
  return rank === -1 ? undefined : rank;
}

/** The best of several offers; undefined if none can run. Of equals the first wins. */
export function choosePlatform<T extends { readonly platform?: Platform }>(
  wanted: Platform,
  offers: readonly T[],
): T | undefined {
  let best: { offer: T; rank: number } | undefined;
  for (const offer of offers) {
    const rank = offer.platform === undefined ? undefined : platformRank(wanted, offer.platform);
    if (rank !== undefined && (best === undefined || rank < best.rank)) best = { offer, rank };
  }
  return best?.offer;
}

/** What a machine of the platform can run, best first (containerd/platforms, platformVector). */
function fallbacks(platform: Platform): Platform[] {
  const { os, architecture, variant } = platform;
  const older = (prefix: string, from: number, to: number): Platform[] =>
    Array.from({ length: Math.max(0, from - to + 1) }, (_, index) =>
      normalized({ os, architecture, variant: `${prefix}${from - index}` }),
    );
  const level = Number(variant?.slice(1));
  if (architecture === 'amd64') {
    return [platform, ...(level > 1 ? older('v', level - 1, 1) : []), normalized({ os, architecture: '386' })];
  }
  if (architecture === 'arm') return [platform, ...(level > 5 ? older('v', level - 1, 5) : [])];
  if (architecture === 'arm64') {
    const arms = [8, 7, 6, 5].map((arm) => normalized({ os, architecture: 'arm', variant: `v${arm}` }));
    return [platform, ...(variant === undefined ? [] : [{ os, architecture }]), ...arms];
  }
  return [platform];
}

function isKnownArchitecture(architecture: string): boolean {
  return ['386', 'amd64', 'arm', 'arm64', 'loong64', 'mips64le', 'ppc64le', 'riscv64', 's390x'].includes(architecture);
}
