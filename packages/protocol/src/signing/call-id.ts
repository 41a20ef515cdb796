/** Characters that RFC 3986 never encodes, without the dot, which separates the parts of an ID. */
const PLAIN = /^[A-Za-z0-9_~-]*$/;

/** Percent-encodes every character except `A-Z a-z 0-9 - . _ ~` (RFC 3986), as UTF-8. */
export const percentEncoded = (text: string): string =>
  PLAIN.test(text)
    ? text
    : encodeURIComponent(text.toWellFormed()).replaceAll(
        /[!'()*]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
      );

const part = (text: string): string => (PLAIN.test(text) ? text : percentEncoded(text).replaceAll('.', '%2E'));

/**
 * The `webhook-id` of a call: `gid.branch.op.attempt`. Each of the first three parts is
 * percent-encoded, its dots included, so that an ID has exactly three dots and can be decoded.
 *
 * @param attempt the number of the attempt, from 1
 */
export const callId = (gid: string, branchId: string, op: string, attempt: number): string =>
  `${part(gid)}.${part(branchId)}.${part(op)}.${attempt}`;

export interface CallId {
  readonly gid: string;
  readonly branchId: string;
  readonly op: string;
  readonly attempt: number;
}

const ID = /^([\w~%-]+)\.([\w~%-]+)\.([\w~%-]+)\.(\d{1,15})$/;

/** The parts of a `webhook-id`; undefined if the text is not the ID of a call. */
export function parseCallId(id: string): CallId | undefined {
  const [, gid = '', branchId = '', op = '', attempt = ''] = ID.exec(id) ?? [];
  if (gid === '') return undefined;
  try {
    return {
      gid: decodeURIComponent(gid),
      branchId: decodeURIComponent(branchId),
      op: decodeURIComponent(op),
      attempt: Number(attempt),
    };
  } catch {
    return undefined;
  }
}

/**
 * The target that is signed for a call over gRPC: the method's path, and as a query the metadata
 * that identify the call. `gid`, `trans_type`, `branch_id` and `op` come first, any others follow
 * by name, so that a field that was added by a third party changes the target.
 */
export function grpcTarget(path: string, fields: Iterable<readonly [name: string, value: string]>): string {
  const sorted = [...fields].map(([name, value]) => [rankOf(name), name, value] as const).toSorted(compared);
  return `${path}?${sorted.map(([, name, value]) => `${percentEncoded(name)}=${percentEncoded(value)}`).join('&')}`;
}

const FIRST = ['gid', 'trans_type', 'branch_id', 'op'];

const rankOf = (name: string): number => {
  const rank = FIRST.indexOf(name);
  return rank === -1 ? FIRST.length : rank;
};

const compared = (a: readonly [number, string, string], b: readonly [number, string, string]): number =>
  a[0] - b[0] || (a[1] < b[1] ? -1 : Number(a[1] > b[1]));
