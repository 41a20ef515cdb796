import fc from 'fast-check';

/** What a server does with one request. */
export interface Behaviour {
  /** Heads of 1xx responses before the final one. */
  readonly informing: readonly string[];
  readonly statusLine: string;
  readonly fields: readonly string[];
  readonly framing: Framing;
  readonly body: string;
  readonly trailers: readonly string[];
  /** Bytes that follow the response. */
  readonly stray: string;
  /** The response ends after this part of it. */
  readonly upTo: number;
  /** Where the bytes are cut into pieces that leave one after the other, as parts of the whole. */
  readonly cuts: readonly number[];
  readonly end: 'stays' | 'ends' | 'resets';
  /** A connection that carried another call before is reset instead. */
  readonly resetsReused: boolean;
}

export const FRAMINGS = [
  'length',
  'chunked',
  'until close',
  'two lengths',
  'two equal lengths',
  'length and chunked',
  'length too long',
  'gzip and chunked',
  'gzip in a second field',
  'chunked twice',
  'gzip until close',
] as const;
export type Framing = (typeof FRAMINGS)[number];

const LONG = 'x'.repeat(70 * 1024);
const BODIES = [
  '',
  '{"dtm_result":"SUCCESS"}',
  '{"dtm_result":"FAILURE"}',
  '{"dtm_result":"ONGOING"}',
  '{"message":"no FAILURE"}',
  'FAILURE',
  '"d\xc3\xa9bit"',
  '\xff\xfe',
  `${LONG}FAILURE`,
  `{"x":"${LONG}","dtm_result":"ONGOING"}`,
];
const FIELDS = [
  'Date: Sat, 21 Nov 2026 10:00:00 GMT',
  'Connection: close',
  'Connection: keep-alive',
  'Keep-Alive: timeout=5',
  'Content-Encoding: identity',
  'Content-Encoding: gzip',
  'Location: http://elsewhere/',
  'X-Latin: caf\xe9',
  'X Blank: 1',
  'X-Blank : 1',
  'no colon',
  ' folded',
];
const STATUS_LINES = [
  ...[200, 201, 202, 204, 302, 304, 400, 408, 409, 425, 500, 503].map((status) => `HTTP/1.1 ${status} x`),
  'HTTP/1.1 200',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 101 Switching',
  'HTTP/2.0 200 OK',
  'HTTP/1.1 99 x',
  'ICY 200 OK',
];
const often = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

export const behaviours: fc.Arbitrary<Behaviour> = fc
  .record({
    informing: often<string[]>(
      [],
      fc.array(fc.constantFrom('HTTP/1.1 100 Continue', 'HTTP/1.1 102 Processing', 'HTTP/1.1 103 Hints'), {
        maxLength: 18,
      }),
    ),
    statusLine: fc.constantFrom(...STATUS_LINES),
    fields: often<string[]>([], fc.subarray(FIELDS, { maxLength: 2 })),
    framing: fc.oneof(fc.constantFrom('length' as const, 'chunked' as const), fc.constantFrom(...FRAMINGS)),
    body: fc.constantFrom(...BODIES),
    trailers: often<string[]>(
      [],
      fc.subarray(['X-Sum: 1', 'X-Long: ' + 'y'.repeat(2_000), 'bad trailer'], { maxLength: 2 }),
    ),
    stray: often('', fc.constantFrom('\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'garbage')),
    upTo: often(1, fc.double({ min: 0, max: 1, noNaN: true })),
    cuts: often<number[]>([], fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 })),
    end: fc.constantFrom('stays', 'ends', 'resets'),
    resetsReused: often(false, fc.constant(true)),
  })
  // What is incomplete ends, so that no call waits for its timeout.
  .map((behaviour) =>
    behaviour.end === 'stays' && isIncomplete(behaviour) ? { ...behaviour, end: 'ends' } : behaviour,
  );

const isIncomplete = ({ upTo, framing }: Behaviour): boolean => upTo < 1 || UNTIL_CLOSE.has(framing);

const UNTIL_CLOSE: ReadonlySet<Framing> = new Set(['until close', 'length too long', 'gzip until close']);

/** The response as it goes onto the wire (Latin-1), whole. */
export function bytesOf({ informing, statusLine, fields, framing, body, trailers, stray }: Behaviour): string {
  const head = [statusLine, ...fields];
  const first = informing.map((line) => `${line}\r\n\r\n`).join('');
  const headWith = (...more: string[]): string => `${first}${[...head, ...more].join('\r\n')}\r\n\r\n`;
  const length = `Content-Length: ${body.length}`;
  const coding = 'Transfer-Encoding: chunked';
  switch (framing) {
    case 'length':
      return headWith(length) + body + stray;
    case 'two lengths':
      return headWith(length, `Content-Length: ${body.length + 1}`) + body + stray;
    case 'two equal lengths':
      return headWith(length, length) + body + stray;
    case 'length too long':
      return headWith(`Content-Length: ${body.length + 7}`) + body;
    case 'until close':
      return headWith() + body;
    case 'chunked':
      return headWith(coding) + chunked(body, trailers) + stray;
    case 'length and chunked':
      return headWith(length, coding) + chunked(body, trailers) + stray;
    // The body is plain, so that a client that ignores the coding interprets it.
    case 'gzip and chunked':
      return headWith('Transfer-Encoding: gzip, chunked') + chunked(body, trailers) + stray;
    case 'gzip in a second field':
      return headWith('Transfer-Encoding: gzip', coding) + chunked(body, trailers) + stray;
    case 'chunked twice':
      return headWith(coding, coding) + chunked(body, trailers) + stray;
    case 'gzip until close':
      return headWith('Transfer-Encoding: gzip') + body;
  }
}

function chunked(body: string, trailers: readonly string[]): string {
  const middle = Math.floor(body.length / 2);
  const chunks = [body.slice(0, middle), body.slice(middle)].filter((chunk) => chunk !== '');
  const lines = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  return `${lines}0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** The pieces that leave one after the other. */
export function piecesOf(behaviour: Behaviour): readonly string[] {
  const whole = bytesOf(behaviour);
  const bytes = whole.slice(0, Math.round(whole.length * behaviour.upTo));
  const at = behaviour.cuts.map((part) => Math.round(bytes.length * part)).toSorted((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.slice(from, at[i] ?? bytes.length)).filter((piece) => piece !== '');
}
