/**
 * `…` in a line matches any text, alone in a line any number of lines. The width of a column
 * depends on the text in it, so two or more spaces match two or more spaces.
 */
const ANY = '…';

/** Whether what was printed is what the page shows, whole. */
export function matchesWhole(expected: readonly string[], printed: string): boolean {
  return patternOf(expected, '$').test(normal(printed));
}

/** Whether what was printed begins with what the page shows. */
export function matchesStart(expected: readonly string[], printed: string): boolean {
  return patternOf(expected, '').test(normal(printed));
}

function patternOf(expected: readonly string[], end: string): RegExp {
  const lines = expected.map((line) =>
    line.trim() === ANY ? '(?:.*\\n)*?' : line.trimEnd().split(ANY).map(escaped).join('.*') + '\\n',
  );
  return new RegExp(`^${lines.join('')}${end}`);
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll(/ {2,}/g, ' {2,}');

/**
 * Without colours and trailing spaces, and with an end of line at the end unless there is nothing.
 */
function normal(printed: string): string {
  // eslint-disable-next-line no-control-regex -- colours begin with the control character ESC
  const plain = printed.replaceAll(/\u001B\[[\d;]*m/g, '').replaceAll(/[ \t]+$/gm, '');
  return plain === '' || plain.endsWith('\n') ? plain : plain + '\n';
}
