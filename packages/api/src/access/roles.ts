import { isAnonymous, type Principal, type Role, ROLES } from '@holdfast/protocol';

/** Whether a principal has a role, or a more powerful one. `CallHooks.allows` of every server. */
export function allows({ roles }: Principal, needed: Role): boolean {
  const least = ROLES.indexOf(needed);
  return roles.some((role) => ROLES.indexOf(role) >= least);
}

/** Whether a principal may read payloads, and results of workflows: a viewer may not. */
export const mayReadResults = (principal: Principal): boolean =>
  isAnonymous(principal) || allows(principal, 'submitter');

/** The most powerful of a principal's roles; undefined if it has none. */
export const highestRole = ({ roles }: Principal): Role | undefined => ROLES.findLast((role) => roles.includes(role));
