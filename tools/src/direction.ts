/**
 * The packages that each package may import. Imports point inward, so that the pure parts can be
 * understood, tested and simulated alone.
 */
const ALLOWED: readonly (readonly [user: RegExp, used: RegExp])[] = [
  [/^(protocol|http2)$/, /^$/],
  [/^core$/, /^protocol$/],
  [/^(store-\w+|conformance)$/, /^(protocol|core)$/],
  [/^branches$/, /^(protocol|core|http2)$/],
  [/^api$/, /^(protocol|core|branches)$/],
  [/^client$/, /^protocol$/],
  [/^embed$/, /^(protocol|core|branches|api|client|store-\w+)$/],
  [/^server$/, /^(protocol|core|http2|branches|api|store-\w+)$/],
  [/^cli$/, /^(protocol|core|client|server|store-\w+)$/],
];

/** Private databases: for tests of every package, and for workspaces outside `packages`. */
export const TESTING = 'testing';

/**
 * Whether published code in `user` may depend on `used`, both folders from the root of the
 * repository such as `packages/core`. Workspaces outside `packages` (examples, bench, simulator, …)
 * may use every package and the test servers; no package may use them.
 */
export function mayUse(user: string, used: string): boolean {
  const userPackage = packageOf(user);
  if (used === TESTING) return userPackage === undefined;
  const usedPackage = packageOf(used);
  if (usedPackage === undefined) return false;
  if (userPackage === undefined) return true;
  // A new package may use nothing until it has a rule.
  const rule = ALLOWED.find(([pattern]) => pattern.test(userPackage));
  return rule !== undefined && rule[1].test(usedPackage);
}

function packageOf(folder: string): string | undefined {
  return /^packages\/([^/]+)$/.exec(folder)?.[1];
}
