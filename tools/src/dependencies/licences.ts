import type { Dependency } from './lockfile.ts';

/**
 * The licences that a dependency may have. They allow any use, and require that their text is kept;
 * the packages keep it in their folders. A licence with conditions for the programs that use it
 * (GPL, AGPL, LGPL, SSPL) does not belong here.
 */
export const ALLOWED: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
]);

/** Whether an SPDX expression can be fulfilled by licences that are allowed. */
export function isAllowed(expression: string): boolean {
  const text = expression.trim().replace(/^\((.*)\)$/, '$1');
  // Nested expressions are rejected: none of the dependencies has one.
  if (/[()]/.test(text)) return false;
  return text.split(/\s+OR\s+/).some((choice) => choice.split(/\s+AND\s+/).every((id) => ALLOWED.has(id)));
}

/** A dependency with what its folder contains. */
export interface Licensed extends Dependency {
  /** The text of its licence; undefined: there is none. Empty: for another system. */
  readonly text: string | undefined;
}

/** What must not be released; one line each. */
export function licenceFaults(dependencies: readonly Licensed[]): readonly string[] {
  return dependencies.flatMap(({ name, version, licence, text }) => {
    const who = `${name} ${version}`;
    if (licence === undefined) return [`${who} states no licence`];
    if (!isAllowed(licence))
      return [`${who} has the licence ${licence}, which tools/src/dependencies/licences.ts does not allow`];
    const isKnown = WITHOUT_TEXT.some((pattern) => pattern.test(name));
    return text === undefined && !isKnown ? [`${who} (${licence}) contains no text of its licence`] : [];
  });
}

/**
 * Packages that state their licence, MIT, without a file. The binaries belong to packages that
 * contain the text.
 */
export const WITHOUT_TEXT: readonly RegExp[] = [
  /^@lmdb\/lmdb-/,
  /^@msgpackr-extract\/msgpackr-extract-/,
  /^pg-types$/,
  /^pgpass$/,
  /^weak-lru-cache$/,
];

/** The list, as Markdown, with the texts. */
export function licenceList(dependencies: readonly Licensed[]): string {
  const others = dependencies.filter(({ isOurs }) => !isOurs);
  const rows = others.map(({ name, version, licence = 'none', text }) => [name, version, licence, stateOf(text)]);
  const texts = new Map<string, string[]>();
  for (const { name, version, text } of others) {
    if (text === undefined || text === '') continue;
    const users = texts.get(text) ?? [];
    texts.set(text, [...users, `${name} ${version}`]);
  }
  return [
    '# Licences of the dependencies of Holdfast',
    '',
    '| package | version | licence | text |',
    '| --- | --- | --- | --- |',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    ...[...texts].flatMap(([text, users]) => ['', `## ${users.join(', ')}`, '', '```', text, '```']),
    '',
  ].join('\n');
}

const stateOf = (text: string | undefined): string =>
  text === undefined ? 'none' : text === '' ? 'for another system' : 'below';
