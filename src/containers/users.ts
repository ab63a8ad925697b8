import { invalidParameter } from '../base/index.ts';
import { readFileInRoot } from '../linux/index.ts';
import type { ResolvedUser } from '../runtime/index.ts';

/** Larger passwd or group files are refused: real ones have a few kilobytes, and the image may be hostile. */
const MAX_ACCOUNT_FILE_BYTES = 16 << 20;

/** Where a user without an entry, or without a directory in it, is at home (runc and crun agree). */
const NO_HOME = '/';

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * The user that `user` (`name|uid[:group|gid]`) means in the container whose root is mounted at `root`, by the
 * container's own passwd and group files, with the groups that list it and `groupAdd`.
 * Throws invalidParameter with dockerd's words for names that do not exist.
 */
export function resolveUser(root: string, user: string, groupAdd: readonly string[]): ResolvedUser {
  const passwd = readPasswd(root);
  const groups = readGroups(root);
  const [userPart = '', groupPart = ''] = user.split(':');
  const account = findAccount(userPart, passwd);
  const gid = groupPart === '' ? account.gid : findGroup(groupPart, groups);
  const listed =
    groupPart === ''
      ? groups.filter((group) => account.name !== undefined && group.members.includes(account.name))
      : [];
  const added = groupAdd.map((group) => findGroup(group, groups));
  return {
    uid: account.uid,
    gid,
    home: account.home || NO_HOME,
    // The primary group is among the supplementary ones, as initgroups(3) has it.
    additionalGids: [...new Set([gid, ...listed.map((group) => group.gid), ...added])],
  };
}

function findAccount(
  text: string,
  passwd: readonly PasswdEntry[],
): { uid: number; gid: number; name?: string; home: string } {
  if (text === '') return passwd.find((entry) => entry.uid === 0) ?? { uid: 0, gid: 0, home: NO_HOME };
  const byName = passwd.find((entry) => entry.name === text);
  if (byName) return byName;
  const uid = parseId(text);
  if (uid === undefined) {
    throw invalidParameter(`unable to find user ${text}: no matching entries in passwd file`);
  }
  return passwd.find((entry) => entry.uid === uid) ?? { uid, gid: 0, home: NO_HOME };
}

function findGroup(text: string, groups: readonly GroupEntry[]): number {
  const byName = groups.find((entry) => entry.name === text);
  if (byName) return byName.gid;
  const gid = parseId(text);
  if (gid === undefined) {
    throw invalidParameter(`unable to find group ${text}: no matching entries in group file`);
  }
  return gid;
}

/** A numeric id in the kernel's range (moby/sys/user: 0 to 2^31-1). */
function parseId(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id > 0x7fffffff) throw invalidParameter(`uids and gids must be in range 0-2147483647`);
  return id;
}

function readPasswd(root: string): PasswdEntry[] {
  return records(root, '/etc/passwd').flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    /^\d+$/.test(uid) ? [{ name, uid: Number(uid), gid: Number(gid) || 0, home }] : [],
  );
}

function readGroups(root: string): GroupEntry[] {
  return records(root, '/etc/group').flatMap(([name = '', , gid = '', members = '']) =>
    /^\d+$/.test(gid) ? [{ name, gid: Number(gid), members: members.split(',') }] : [],
  );
}

function records(root: string, path: string): string[][] {
  const text = readFileInRoot(root, path, MAX_ACCOUNT_FILE_BYTES) ?? '';
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}
