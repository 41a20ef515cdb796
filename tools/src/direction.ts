/**
 * Which package may use which: imports point inward, so that the pure parts can be understood, tested and simulated alone.
 */
const ALLOWED: readonly (readonly [user: RegExp, used: RegExp])[] = [
  [/^protocol$/, /^$/],
  [/^core$/, /^protocol$/],
  [/^(store-\w+|runtime|conformance)$/, /^(protocol|core)$/],
  [/^client$/, /^protocol$/],
  [/^embed$/, /^(protocol|core|runtime|client|store-\w+)$/],
  [/^server$/, /^(?!(client|embed)$)/],
];

/** Private databases: for tests of every package, and for what is not a package. */
export const TEST_SERVERS = 'test-servers';

/**
 * Whether published code in `user` may depend on `used`, both folders from the root of the repository such as `packages/core`.
 * What is not a package (examples, bench, simulator, …) may use every package and the servers for tests; nothing may use those.
 */
export function mayUse(user: string, used: string): boolean {
  const userPackage = packageOf(user);
  if (used === TEST_SERVERS) return userPackage === undefined;
  const usedPackage = packageOf(used);
  if (usedPackage === undefined) return false;
  if (userPackage === undefined) return true;
  // A package that is new here uses nothing until its place is written down.
  const rule = ALLOWED.find(([pattern]) => pattern.test(userPackage));
  return rule !== undefined && rule[1].test(usedPackage);
}

function packageOf(folder: string): string | undefined {
  return /^packages\/([^/]+)$/.exec(folder)?.[1];
}
