import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveCapabilities, requireCapabilities } from './capabilities.ts';
import { DEFAULT_SECCOMP_PROFILE, resolveSeccomp } from './seccomp.ts';
import { buildEnvironment } from './spec.ts';

const ALL_BITS = (1n << 41n) - 1n;
const host = { architecture: 'x64', kernelRelease: '6.1.0-13-amd64' };

test('capabilities: the default set, additions, removals, ALL', () => {
  const of = (add: string[] | null, drop: string[] | null, privileged = false) =>
    effectiveCapabilities({ privileged, add, drop }, ALL_BITS);
  assert.equal(of(null, null).length, 14);
  assert.ok(of(['CAP_NET_ADMIN'], null).includes('CAP_NET_ADMIN'));
  assert.ok(!of(null, ['CAP_CHOWN']).includes('CAP_CHOWN'));
  assert.deepEqual(of(['CAP_CHOWN'], ['ALL']), ['CAP_CHOWN']);
  assert.equal(of(['ALL'], null).length, 41);
  assert.ok(!of(['ALL'], ['CAP_SYS_ADMIN']).includes('CAP_SYS_ADMIN'));
  assert.equal(of(null, null, true).length, 41);
  assert.deepEqual(of(['all', 'net_admin'], ['ALL', 'cap_chown']).length, 41);
  requireCapabilities(['net_admin', 'CAP_CHOWN', 'all'], 'CapAdd', ALL_BITS);
  assert.throws(() => requireCapabilities(['FLY'], 'CapAdd', ALL_BITS), {
    message: 'invalid CapAdd: unknown capability: "CAP_FLY"',
  });
  assert.throws(() => requireCapabilities(['chown'], 'CapDrop', ALL_BITS - 1n), {
    message: /^invalid CapDrop: capability not supported .*: "CAP_CHOWN"$/,
  });
});

test('the default seccomp profile follows capabilities and kernel', () => {
  const allows = (name: string, capabilities: string[], kernelRelease = host.kernelRelease) =>
    resolveSeccomp(DEFAULT_SECCOMP_PROFILE, capabilities, { ...host, kernelRelease }).syscalls.some(
      (rule) => rule.action === 'SCMP_ACT_ALLOW' && rule.names.includes(name),
    );
  assert.equal(allows('mount', []), false);
  assert.equal(allows('mount', ['CAP_SYS_ADMIN']), true);
  assert.equal(allows('ptrace', [], '4.4.0'), false);
  assert.equal(allows('ptrace', [], '4.8.0'), true);
  assert.equal(allows('arm_fadvise64_64', []), false);
  assert.deepEqual(resolveSeccomp(DEFAULT_SECCOMP_PROFILE, [], host).architectures, [
    'SCMP_ARCH_X86_64',
    'SCMP_ARCH_X86',
    'SCMP_ARCH_X32',
  ]);
});

test('later variables win, a bare name removes', () => {
  assert.deepEqual(buildEnvironment({ hostname: 'h', terminal: true, configured: ['PATH=/x', 'A=1', 'A=2', 'TERM'] }), [
    'PATH=/x',
    'HOSTNAME=h',
    'A=2',
  ]);
});
