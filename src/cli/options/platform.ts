/** `--platform os[/arch[/variant]]`. */

const OPERATING_SYSTEMS =
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos';
const ARCHITECTURES =
  '386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm';
/** Other names of architectures that platforms are written with. */
const ARCHITECTURE_ALIASES = 'i386 x86_64 x86-64 aarch64 armhf armel';

/** Throws docker's text unless `given` can be a platform; whether an image has it is for the engine to say. */
export function checkPlatform(given: string): void {
  const refuse = (reason: string) => {
    throw new Error(`error parsing specified platform: ${reason}: invalid argument`);
  };
  const parts = given.split('/');
  for (const part of parts) {
    if (!/^[A-Za-z0-9_.-]+$/.test(part)) {
      refuse(
        `${JSON.stringify(part)} is an invalid component of ${JSON.stringify(given)}: platform specifier component must match "^[A-Za-z0-9_.-]+$"`,
      );
    }
  }
  const known = `${OPERATING_SYSTEMS} ${ARCHITECTURES} ${ARCHITECTURE_ALIASES}`.split(' ');
  if (parts.length === 1 && !known.includes((parts[0] ?? '').toLowerCase())) {
    refuse(`${JSON.stringify(given)}: unknown operating system or architecture`);
  }
  if (parts.length > 3) refuse(`${JSON.stringify(given)}: cannot parse platform specifier`);
}
