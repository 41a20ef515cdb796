/*
 * What the body of each message of a PostgreSQL server must look like. The parser of `pg` trusts
 * the server: it reads beyond a message whose counts or lengths are too large, and never returns
 * from an error without a terminator. Lengths and terminators are all that is checked here.
 */

/** Returns where the body is at fault; undefined for a sound one. It reaches from `at` to `end`. */
type Check = (bytes: Buffer, at: number, end: number) => string | undefined;

interface Kind {
  /** For messages. */
  readonly name: string;
  /** Whether the message may be longer than `SHORT_BYTES`. */
  readonly long?: true;
  readonly check: Check;
}

const LENGTH = 'its length is wrong';
const UNTERMINATED = 'a text in it has no terminator';
const BEYOND = 'a count or length in it is wrong';

const ofLength =
  (length: number): Check =>
  (_, at, end) =>
    end - at === length ? undefined : LENGTH;

/** The place behind the text at `at`; undefined when no terminator is within the body. */
function behindText(bytes: Buffer, at: number, end: number): number | undefined {
  for (let place = at; place < end; place++) if (bytes[place] === 0) return place + 1;
  return undefined;
}

/** `texts` texts behind `before` bytes, and nothing else. */
const textsBehind =
  (before: number, texts: number): Check =>
  (bytes, at, end) => {
    let place: number | undefined = at + before;
    for (let text = 0; text < texts && place !== undefined; text++) place = behindText(bytes, place, end);
    if (place === undefined) return UNTERMINATED;
    return place === end ? undefined : LENGTH;
  };

/**
 * Texts until an empty one, which ends the body; before each one of fields, the byte of its kind.
 */
function untilEmpty(bytes: Buffer, at: number, end: number): string | undefined {
  let place: number | undefined = at;
  while (place < end) {
    if (bytes[place] === 0) return place + 1 === end ? undefined : LENGTH;
    place = behindText(bytes, place + 1, end);
    if (place === undefined) return UNTERMINATED;
  }
  return UNTERMINATED;
}

const dataRow: Check = (bytes, at, end) => {
  if (end - at < 2) return LENGTH;
  let place = at + 2;
  for (let left = bytes.readUInt16BE(at); left > 0; left--) {
    if (place + 4 > end) return BEYOND;
    const length = bytes.readInt32BE(place);
    // -1 is null.
    if (length < -1) return BEYOND;
    place += length === -1 ? 4 : 4 + length;
  }
  return place === end ? undefined : BEYOND;
};

/** Behind the name of a column: its table, place, type, size, modifier and format. */
const COLUMN_BYTES = 18;

const rowDescription: Check = (bytes, at, end) => {
  if (end - at < 2) return LENGTH;
  let place = at + 2;
  for (let left = bytes.readUInt16BE(at); left > 0; left--) {
    const behind = behindText(bytes, place, end);
    if (behind === undefined) return UNTERMINATED;
    place = behind + COLUMN_BYTES;
  }
  return place === end ? undefined : BEYOND;
};

const parameterDescription: Check = (bytes, at, end) =>
  end - at >= 2 && end - at === 2 + 4 * bytes.readUInt16BE(at) ? undefined : BEYOND;

const SASL_MECHANISMS = 10;

const authentication: Check = (bytes, at, end) => {
  if (end - at < 4) return LENGTH;
  return bytes.readInt32BE(at) === SASL_MECHANISMS ? untilEmpty(bytes, at + 4, end) : undefined;
};

const EMPTY = ofLength(0);

/**
 * The messages that a server sends to the store. Those of COPY are not among them, since no
 * statement of the store is one.
 */
const KINDS: Readonly<Record<string, Kind>> = {
  1: { name: 'ParseComplete', check: EMPTY },
  2: { name: 'BindComplete', check: EMPTY },
  3: { name: 'CloseComplete', check: EMPTY },
  A: { name: 'NotificationResponse', long: true, check: textsBehind(4, 2) },
  C: { name: 'CommandComplete', check: textsBehind(0, 1) },
  D: { name: 'DataRow', long: true, check: dataRow },
  E: { name: 'ErrorResponse', long: true, check: untilEmpty },
  I: { name: 'EmptyQueryResponse', check: EMPTY },
  // Since PostgreSQL 18 the key may be longer.
  K: { name: 'BackendKeyData', check: (_, at, end) => (end - at >= 8 ? undefined : LENGTH) },
  N: { name: 'NoticeResponse', long: true, check: untilEmpty },
  n: { name: 'NoData', check: EMPTY },
  R: { name: 'Authentication', check: authentication },
  S: { name: 'ParameterStatus', check: textsBehind(0, 2) },
  s: { name: 'PortalSuspended', check: EMPTY },
  T: { name: 'RowDescription', long: true, check: rowDescription },
  t: { name: 'ParameterDescription', check: parameterDescription },
  Z: { name: 'ReadyForQuery', check: ofLength(1) },
};

const BY_CODE: readonly (Kind | undefined)[] = Array.from({ length: 256 }, (_, code) =>
  Object.hasOwn(KINDS, String.fromCharCode(code)) ? KINDS[String.fromCharCode(code)] : undefined,
);

/** The kind of the messages with this first byte; undefined for one that a server never sends. */
export const kindOf = (code: number): Kind | undefined => BY_CODE[code];
