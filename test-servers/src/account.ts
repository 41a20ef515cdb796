import { readFileSync } from 'node:fs';

/** The account a server runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Database servers refuse to run as root. Where we are root (in a container), this is the account to run them as: the one
 * its package created, else `nobody`. Otherwise it is undefined, and the server runs as whoever runs us.
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
