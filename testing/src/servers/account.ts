import { readFileSync } from 'node:fs';

/** The account a server runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Database servers do not run as root. For a root process (in a container) this returns the account
 * to run them as: the one that the server's package created, otherwise `nobody`. For other
 * processes it returns undefined: the server runs as the same user.
 */
export function unprivilegedAccount(preferred: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const account = findAccount(preferred) ?? findAccount('nobody');
  if (account === undefined)
    throw new Error(`running as root, and there is no account ${preferred} or nobody to run a server as`);
  return account;
}

function findAccount(name: string): Account | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
