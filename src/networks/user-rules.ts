import { type Kernel, KernelError } from '../linux/index.ts';

// The chain where administrators put rules of their own ahead of ours, with `iptables -I DOCKER-USER …`. It is in
// iptables' own table, laid out as iptables-nft expects it; a drop there holds whatever our table says.

interface ListedRule {
  readonly rule?: { readonly expr: readonly { readonly jump?: { readonly target: string } }[] };
}

/** Sees to it that DOCKER-USER exists and is consulted for forwarded packets. Changes nothing else of iptables' table. */
export async function protectUserRules(kernel: Kernel): Promise<void> {
  const listing = await list(kernel, 'list chain ip filter FORWARD');
  if (listing === undefined) {
    await apply(kernel, [
      'add table ip filter',
      'add chain ip filter FORWARD { type filter hook forward priority 0 ; policy accept ; }',
    ]);
  }
  const jumps = (listing ?? []).some(({ rule }) =>
    rule?.expr.some((expression) => expression.jump?.target === 'DOCKER-USER'),
  );
  if (jumps) return;
  await apply(kernel, ['add chain ip filter DOCKER-USER', 'insert rule ip filter FORWARD counter jump DOCKER-USER']);
}

async function list(kernel: Kernel, commands: string): Promise<readonly ListedRule[] | undefined> {
  try {
    const [text] = await kernel.run([{ op: 'nftables', commands, json: true }]);
    return (JSON.parse(text) as { readonly nftables: readonly ListedRule[] }).nftables;
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

async function apply(kernel: Kernel, commands: readonly string[]): Promise<void> {
  await kernel.run([{ op: 'nftables', commands: commands.join('\n') }]);
}
