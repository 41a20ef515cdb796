import { lineAt, type Finding, type SourceFile } from './finding.ts';

const ENGINE = /^packages\/core\/src\/engine\/.*\.ts$/;
const PATTERNS = /^packages\/core\/src\/patterns\/.*\.ts$/;
/** Where the engine's tests are: those of its parts, and those of nodes over a shared store. */
const TESTS = /^(?:packages\/core\/test\/engine|tests\/simulator\/test)\/.*\.ts$/;
/** A line of a header that defines an invariant: ` * E1  What …`. */
const DEFINED = /^ \* (?<id>[A-Z]{1,3}\d+) +\S/gm;
/** A text in quotes that begins with invariants (`'E1: …'`) or contains them (`(E1, E2)`). */
const CITED =
  /['"`](?<first>[A-Z]{1,3}\d+(?:, [A-Z]{1,3}\d+)*)(?:: |['"`])|\((?<later>[A-Z]{1,3}\d+(?:, [A-Z]{1,3}\d+)*)\)['"`]/g;

/**
 * Checks that each numbered invariant of the engine is defined once and cited by the title of a
 * test, and that each invariant that such a title cites is defined.
 */
export function checkInvariants(files: readonly SourceFile[]): readonly Finding[] {
  const defined = new Map<string, Finding>();
  const findings: Finding[] = [];
  for (const file of files.filter(({ path }) => ENGINE.test(path)))
    for (const { id, ...at } of found(file, DEFINED)) {
      const earlier = defined.get(id);
      if (earlier === undefined) defined.set(id, { ...at, message: `no test cites the invariant ${id}` });
      else findings.push({ ...at, message: `the invariant ${id} is defined in ${earlier.path} as well` });
    }
  const known = new Set(defined.keys());
  for (const file of files.filter(({ path }) => PATTERNS.test(path)))
    for (const { id } of found(file, DEFINED)) known.add(id);
  const families = new Set([...known].map(familyOf));
  const cited = new Set<string>();
  for (const file of files.filter(({ path }) => TESTS.test(path)))
    for (const { id, ...at } of found(file, CITED)) {
      cited.add(id);
      if (!known.has(id) && families.has(familyOf(id)))
        findings.push({ ...at, message: `the test cites the invariant ${id}, which does not exist` });
    }
  return [...findings, ...[...defined].filter(([id]) => !cited.has(id)).map(([, finding]) => finding)];
}

/** The letters of an invariant; other words of this form, such as names of nodes, have others. */
const familyOf = (id: string): string => id.replace(/\d+$/, '');

function found({ path, text }: SourceFile, pattern: RegExp): { id: string; path: string; line: number }[] {
  return [...text.matchAll(pattern)].flatMap(({ index, groups = {} }) =>
    (groups['id'] ?? groups['first'] ?? groups['later'] ?? '')
      .split(', ')
      .map((id) => ({ id, path, line: lineAt(text, index) })),
  );
}
