import { parseSync } from 'oxc-parser';
import { type Finding, lineAt, type SourceFile } from './finding.ts';

/** The fields of a node of the syntax tree that the check reads. */
interface Named {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly start?: unknown;
}

/** The words of identifiers for which the glossary has a term, with that term. */
const WORDS: readonly (readonly [words: RegExp, instead: string])[] = [
  [/^(?:(?:un)?answer(?:s|ed|ing|er)?)$/, 'response, result, or returns'],
  [/^(?:tell|tells|told|telling)$/, 'notify, send, describe'],
  [/^(?:ask|asks|asked|asking)$/, 'request, query, poll'],
  [/^(?:said|says)$/, 'the name of what was specified, stored or printed'],
  [/^(?:possess|possesses|possessed|possession|possessions)$/, 'ownership, owned'],
  [/^(?:standing|standings)$/, 'the name of the state'],
  [/^(?:eldest|heir|heirs)$/, 'oldest, new owner'],
  [/^(?:mend|mends|mended)$/, 'fix'],
  [/^whoever$/, 'the caller, the node, the client'],
];

/** Pairs of words for which the glossary has a term. */
const PAIRS: readonly (readonly [pair: RegExp, instead: string])[] = [
  [/\blets? go\b/, 'release, drop'],
  [/\b(?:give|gives|given|gave) up\b/, 'abandon'],
  [/\b(?:retry|abort|stop|operator) orders?\b|\border (?:transactions?|commands|spec|report|all|one)\b/, 'command'],
];

/** Only an implementation of the Store contract is a driver. */
const DRIVER = /^drivers?$/;
const STORE_DRIVERS = /^packages\/(?:core|conformance|store-[^/]+)\//;

/** Identifiers that are right, with the beginning of the paths in which they are. */
const EXCEPTIONS: readonly (readonly [place: string, names: RegExp])[] = [
  // The demo's story has a teller.
  ['examples/shop/', /^tell(?:Story|End|Balances|LeftOver)$/],
  ['examples/transfer/', /^tellRun$/],
];

/** Finds identifiers that are not in the glossary's words; each once per file. */
export function checkIdentifiers({ path, text }: SourceFile): readonly Finding[] {
  const found: Finding[] = [];
  for (const [name, start] of identifiersOf(parseSync(path, text).program)) {
    if (EXCEPTIONS.some(([place, names]) => path.startsWith(place) && names.test(name))) continue;
    const instead = betterWord(path, wordsOf(name));
    if (instead === undefined) continue;
    found.push({
      path,
      line: lineAt(text, start),
      message: `${name} is not in the glossary's words; better: ${instead}`,
    });
  }
  return found;
}

/** `#retryOrdersOf` and `RETRY_ORDERS_OF` are the words retry, orders, of. */
const wordsOf = (name: string): readonly string[] =>
  name
    .replaceAll(/([a-z\d])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3 $2$4')
    .toLowerCase()
    .split(/[^a-z]+/);

function betterWord(path: string, words: readonly string[]): string | undefined {
  const whole = words.join(' ');
  for (const [pair, instead] of PAIRS) if (pair.test(whole)) return instead;
  for (const word of words) {
    if (DRIVER.test(word) && !STORE_DRIVERS.test(path) && path.startsWith('packages/')) return 'dialect, library';
    for (const [pattern, instead] of WORDS) if (pattern.test(word)) return instead;
  }
  return undefined;
}

/** Each name with the offset of its first use. */
function identifiersOf(program: object): ReadonlyMap<string, number> {
  const names = new Map<string, number>();
  const left: unknown[] = [program];
  while (left.length > 0) {
    const node = left.pop();
    if (typeof node !== 'object' || node === null) continue;
    const { type, name, start } = node as Named;
    if (typeof name === 'string' && typeof start === 'number') {
      if (type === 'Identifier') noteFirst(names, name, start);
      else if (type === 'PrivateIdentifier') noteFirst(names, `#${name}`, start);
    }
    const children: readonly unknown[] = Object.values(node);
    left.push(...children);
  }
  return new Map([...names].toSorted(([, one], [, other]) => one - other));
}

function noteFirst(names: Map<string, number>, name: string, start: number): void {
  names.set(name, Math.min(start, names.get(name) ?? start));
}
