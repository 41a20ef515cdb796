/*
 * Accounts (`user:password@`) in the URLs of a text. A rule searches forward from the `://` of each
 * URL for the last @ that belongs to it. A text may contain hundreds of `://` in a row, so an @,
 * and the end of a row, are searched once for all of them: the time is linear in the length of the
 * text.
 */

/** Replacement for an account. */
const HIDDEN_ACCOUNT = '***@';

/** Maximum length of an account up to its @, from the end of the match of the rule's `start`. */
const ACCOUNT_LENGTH = 1_000;

interface Rule {
  /** The beginning of a URL; the first group is kept, and the account follows it. */
  readonly start: RegExp;
  /** A character that an account cannot contain. */
  readonly end: RegExp;
}

const RULES: readonly Rule[] = [
  // In database URLs: everything up to the last @, since the password may contain characters that
  // should have been percent-encoded.
  {
    start: /\b((?:postgres(?:ql)?|mysql|mariadb|rediss?|redis\+unix|unix):\/\/)/gi,
    end: /[\s"'<>\\]/g,
  },
  // In other URLs a path may contain an @. The second rule is for a password that broke the URL: no
  // port is left between : and /.
  { start: /\b([a-z][a-z0-9+.-]{0,20}:\/\/)/gi, end: /[\s"'<>\\/?#]/g },
  {
    start: /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>\\/?#:@[\]]{1,200}:(?!\d{0,5}(?:[/?#\s"'\\]|$))/gi,
    end: /[\s"'<>\\]/g,
  },
];

/** The text with `***` instead of each account. */
export const withoutAccounts = (text: string): string => RULES.reduce(replaced, text);

function replaced(text: string, { start, end }: Rule): string {
  let shown = '';
  let shownTo = 0;
  let rowEnd = -1;
  let lastAt = -1;
  let nextAt = text.indexOf('@');
  start.lastIndex = 0;
  for (let found = start.exec(text); found !== null; found = start.exec(text)) {
    const from = start.lastIndex;
    if (rowEnd < from) rowEnd = indexFrom(text, end, from);
    // Limits never decrease.
    const limit = Math.min(from + ACCOUNT_LENGTH, rowEnd - 1);
    for (; nextAt !== -1 && nextAt <= limit; nextAt = text.indexOf('@', nextAt + 1)) lastAt = nextAt;
    if (lastAt < from && nextAt === -1) break;
    if (lastAt < from) continue;
    shown += text.slice(shownTo, found.index + (found[1]?.length ?? 0)) + HIDDEN_ACCOUNT;
    shownTo = start.lastIndex = lastAt + 1;
  }
  return shown + text.slice(shownTo);
}

/** The first match of the pattern at or after `from`; the length of the text if there is none. */
function indexFrom(text: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}
