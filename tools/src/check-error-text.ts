import { lineAt, type Finding, type SourceFile } from './finding.ts';

/**
 * Files that may read an error's text: errors of client libraries that have neither a code nor a
 * specific class.
 */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'packages/client/src/barrier/redis-barrier.ts':
    'the clients of Redis give the code of a reply, such as NOSCRIPT, only as the first word of the text',
  'packages/store-redis/src/connection.ts':
    'the clients of Redis give the code of a reply, such as LOADING, only as the first word of the text',
  'packages/store-postgres/src/errors.ts': 'pg throws a plain Error without a code for a password that is not a string',
};

const METHOD =
  '(?:includes|startsWith|endsWith|match|matchAll|replace|replaceAll|split|search|indexOf|lastIndexOf|slice|substring|at|charAt|charCodeAt)';
/** The text of an error: its property, the variable named after it, or `textOfThrown`. */
const TEXT = String.raw`(?:\bmessage|\btextOfThrown\([^()]*\))`;

const READS: readonly RegExp[] = [
  new RegExp(String.raw`${TEXT}\??\.${METHOD}\(`, 'g'),
  new RegExp(String.raw`\.(?:test|exec)\((?:\w+\??\.)*${TEXT}[,)]`, 'g'),
  // A comparison with the empty string, or a `typeof`, does not read the text.
  new RegExp(String.raw`(?<!typeof [\w.?]*)\.message (?:===|!==) (?!''|"")`, 'g'),
];

/**
 * Checks that no code outside tests distinguishes errors by their text, or edits the text: errors
 * have a code, and the field at fault as data.
 */
export function checkErrorText({ path, text }: SourceFile): readonly Finding[] {
  const found = READS.flatMap((pattern) => [...text.matchAll(pattern)]).map(({ index }) => ({
    path,
    line: lineAt(text, index),
    message: "tests or edits an error's text; use its code or its field, or list the file in check-error-text.ts",
  }));
  if (EXCEPTIONS[path] === undefined) return found;
  return found.length > 0 ? [] : [{ path, message: 'an exception of check-error-text.ts that is not needed' }];
}
