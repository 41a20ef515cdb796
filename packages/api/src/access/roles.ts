import { type Principal, type Role, ROLES } from '@holdfast/protocol';

/** Whether a principal has a role, or a more powerful one. `CallHooks.allows` of every server. */
export function allows({ roles }: Principal, needed: Role): boolean {
  const least = ROLES.indexOf(needed);
  return roles.some((role) => ROLES.indexOf(role) >= least);
}

/** The most powerful of a principal's roles; undefined if it has none. */
export const highestRole = ({ roles }: Principal): Role | undefined => ROLES.findLast((role) => roles.includes(role));
