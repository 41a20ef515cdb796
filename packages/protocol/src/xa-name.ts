/**
 * In a branch ID, `-` is written as `~`; characters that this makes ambiguous are percent-encoded.
 */
const ENCODED: Readonly<Record<string, string>> = { '-': '~', '~': '%7E', '%': '%25' };
const DECODED: Readonly<Record<string, string>> = { '~': '-', '%7E': '~', '%25': '%' };

/**
 * Name of a branch's XA transaction in its database: `gid-branch`, as with dtm's clients. A hyphen
 * in a branch ID, as in the name of a workflow's step, is written as `~`, so that the last hyphen
 * ends the gid and no two branches have the same name.
 */
export const xaName = (gid: string, branchId: string): string =>
  `${gid}-${branchId.replaceAll(/[-~%]/g, (character) => ENCODED[character] ?? character)}`;

/** The branch ID in the part of a name after the gid. */
export const branchIdInXaName = (part: string): string =>
  part.replaceAll(/~|%7E|%25/g, (encoded) => DECODED[encoded] ?? encoded);
