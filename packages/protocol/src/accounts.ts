/*
 * Accounts (`user:password@`) in the URLs of a text. A rule looks forward from the `://` of each
 * URL for the last @ that belongs to it. A text may have hundreds of these in a row, so an @, and
 * the end of a row, are found once for all of them: the time grows with the length of the text.
 */

/** What stands for an account. */
const HIDDEN_ACCOUNT = '***@';

/**
 * Characters before its @ that an account has at most, from the end of what the rule's `start`
 * matches.
 */
const ACCOUNT_LENGTH = 1_000;

interface Rule {
  /** Where a URL begins; the first group is shown, and what comes after it is the account. */
  readonly start: RegExp;
  /** A character that no account has. */
  readonly end: RegExp;
}

const RULES: readonly Rule[] = [
  // Everything up to the last @ in the URL of a database: its password may hold what should have
  // been percent-encoded.
  {
    start: /\b((?:postgres(?:ql)?|mysql|mariadb|rediss?|redis\+unix|unix):\/\/)/gi,
    end: /[\s"'<>\\]/g,
  },
  // In other URLs a path may hold an @; a password that broke the URL left no port between : and /.
  { start: /\b([a-z][a-z0-9+.-]{0,20}:\/\/)/gi, end: /[\s"'<>\\/?#]/g },
  {
    start: /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>\\/?#:@[\]]{1,200}:(?!\d{0,5}(?:[/?#\s"'\\]|$))/gi,
    end: /[\s"'<>\\]/g,
  },
];

/** The text, with `***` instead of each account. */
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
    // No limit is below the one before it.
    const limit = Math.min(from + ACCOUNT_LENGTH, rowEnd - 1);
    for (; nextAt !== -1 && nextAt <= limit; nextAt = text.indexOf('@', nextAt + 1)) lastAt = nextAt;
    if (lastAt < from && nextAt === -1) break;
    if (lastAt < from) continue;
    shown += text.slice(shownTo, found.index + (found[1]?.length ?? 0)) + HIDDEN_ACCOUNT;
    shownTo = start.lastIndex = lastAt + 1;
  }
  return shown + text.slice(shownTo);
}

/** Where the pattern is first found from `from` on; the length of the text if it is not. */
function indexFrom(text: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}
