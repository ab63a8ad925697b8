/** Makes the embedded images: `node tools/make-image.ts OUT.tar [BUSYBOX]`. `docker load -i OUT.tar` reads the result. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { buildDockerArchive, embeddedImages } from '../src/images/embedded.ts';

/** 2026-01-01: fixed, so that the same busybox gives the same image everywhere. */
const CREATED = 1_767_225_600_000_000_000n;

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', riscv64: 'riscv64' };

const [output, busybox = '/bin/busybox'] = process.argv.slice(2);
if (output === undefined) {
  process.stderr.write('usage: node tools/make-image.ts OUT.tar [BUSYBOX]\n');
  process.exit(2);
}
const applets = execFileSync(busybox, ['--list-full'], { encoding: 'utf8' }).split('\n').filter(Boolean);
const architecture = ARCHITECTURES[process.arch] ?? process.arch;
writeFileSync(
  output,
  buildDockerArchive(embeddedImages(readFileSync(busybox), applets), { architecture, created: CREATED }),
);
