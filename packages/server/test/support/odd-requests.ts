import fc from 'fast-check';

/** A request of a known route, right or wrong. */
export interface OddRequest {
  readonly method: string;
  readonly path: string;
  /** Undefined: none. */
  readonly body: Buffer | undefined;
  readonly contentType: string;
  /** What the request names its transaction by. */
  readonly gid: string;
}

interface Shape {
  readonly method: string;
  readonly path: (gid: string) => string;
  readonly body?: (gid: string) => unknown;
}

/** No process listens there. */
const NOWHERE = 'http://127.0.0.1:1/branch';

const dtmTransaction = (gid: string) => ({
  gid,
  trans_type: 'saga',
  steps: [
    { action: NOWHERE, compensate: NOWHERE },
    { action: NOWHERE, compensate: '' },
  ],
  payloads: ['{"amount":30}', '{}'],
  custom_data: '{"orders":{"1":[0]},"concurrent":true}',
  query_prepared: NOWHERE,
  protocol: 'http',
  rollback_reason: '',
  req_extra: { status: 'succeed', result: '' },
  wait_result: false,
  timeout_to_fail: 100,
  retry_interval: 60,
  request_timeout: 1,
  branch_headers: { 'x-shop': '7' },
  concurrent: false,
  retry_limit: 0,
});
const dtmBranch = (gid: string) => ({
  gid,
  trans_type: 'tcc',
  branch_id: '01',
  data: '{"amount":30}',
  confirm: NOWHERE,
  cancel: NOWHERE,
  url: NOWHERE,
  op: 'action',
  status: 'prepared',
});
const v1Transaction = (gid: string) => ({
  gid,
  pattern: 'saga',
  status: 'submitted',
  steps: [
    { action: NOWHERE, compensate: NOWHERE, payload: { amount: 30 }, requestTimeoutMs: 1_000 },
    { action: NOWHERE, after: [0] },
  ],
  concurrent: true,
  timeoutToFailMs: 100_000,
  retryIntervalMs: 60_000,
  requestTimeoutMs: 1_000,
  retryLimit: 0,
  delayMs: 0,
  branchHeaders: { 'x-shop': '7' },
});

const dtm = (call: string, body: (gid: string) => unknown): Shape => ({
  method: 'POST',
  path: () => `/api/dtmsvr/${call}`,
  body,
});
const rpc = (method: string, params: (gid: string) => unknown): Shape => ({
  method: 'POST',
  path: () => '/api/json-rpc',
  body: (gid) => ({ jsonrpc: '2.0', id: 'x', method, params: params(gid) }),
});
const get = (path: string): Shape => ({ method: 'GET', path: (gid) => path.replace('GID', gid) });
const v1 = (method: string, path: string, body?: (gid: string) => unknown): Shape => ({
  method,
  path: (gid) => `/api/v1${path.replace('GID', gid)}`,
  ...(body !== undefined && { body }),
});

/** One of each route, as a client sends it. */
export const SHAPES: readonly Shape[] = [
  ...['prepare', 'submit', 'prepareWorkflow'].map((call) => dtm(call, dtmTransaction)),
  ...['registerBranch', 'registerTccBranch', 'registerXaBranch'].map((call) => dtm(call, dtmBranch)),
  dtm('abort', (gid) => ({ gid, trans_type: 'tcc', rollback_reason: 'no' })),
  ...['forceStop', 'resetNextCronTime'].map((call) => dtm(call, (gid) => ({ gid }))),
  get('/api/dtmsvr/query?gid=GID'),
  get('/api/dtmsvr/all?gid=GID&status=prepared&transType=saga&createTimeStart=0&createTimeEnd=1&position=&limit=10'),
  get('/api/dtmsvr/scanKV?cat=topics&position=&limit=10'),
  get('/api/dtmsvr/queryKV?cat=topics&key=GID'),
  get('/api/dtmsvr/subscribe?topic=GID&url=http://a/&remark=r'),
  get('/api/dtmsvr/unsubscribe?topic=GID&url=http://a/'),
  get('/api/dtmsvr/resetCronTime?timeout=1&limit=10'),
  get('/api/dtmsvr/newGid?x=GID'),
  { method: 'DELETE', path: (gid) => `/api/dtmsvr/topic/${gid}` },
  ...['newGid', 'prepare', 'submit'].map((method) => rpc(method, dtmTransaction)),
  rpc('abort', (gid) => ({ gid, trans_type: 'saga' })),
  rpc('registerBranch', dtmBranch),
  v1('POST', '/transactions', v1Transaction),
  v1('GET', '/transactions?gid=GID&status=submitted&pattern=saga&attention=true&createdFromMs=0&cursor=&limit=10'),
  v1('GET', '/transactions/GID?waitMs=0'),
  v1('POST', '/transactions/GID/submit?waitMs=0'),
  v1('POST', '/transactions/GID/branches', () => ({ branchId: '01', confirm: NOWHERE, cancel: NOWHERE, payload: {} })),
  v1('GET', '/transactions/GID/progress'),
  v1('POST', '/transactions/GID/finish', () => ({ status: 'succeed', result: {} })),
  v1('POST', '/transactions/GID/park', () => ({ reason: 'x' })),
  v1('POST', '/transactions/GID/heartbeat'),
  v1('POST', '/transactions/GID/abort', () => ({ reason: 'x' })),
  v1('POST', '/transactions/GID/retry'),
  v1('POST', '/transactions/GID/stop'),
  v1('GET', '/topics?cursor=&limit=10'),
  v1('PUT', '/topics/GID/subscribers', () => ({ url: 'http://a/', remark: 'r' })),
  v1('DELETE', '/topics/GID/subscribers?url=http://a/'),
  v1('DELETE', '/topics/GID'),
  v1('GET', '/nodes?x=GID'),
  v1('GET', '/status?x=GID'),
];

/** Marks a JSON text that `JSON.stringify` does not write. */
const RAW = 'raw:';
const raw = (text: string): string => RAW + text;
const DEEP = 6_000;

const oddTexts = fc.oneof(
  fc.constantFrom(
    '',
    '\0',
    '\ud800',
    '\udfff',
    'a\ud800b',
    '\u202e',
    '__proto__',
    'toString',
    '\r\nx: y',
    '../..',
    '%00',
  ),
  fc.constantFrom(
    'é'.normalize('NFD'),
    'x'.repeat(129),
    'x'.repeat(100_000),
    '🙂'.repeat(65),
    'topic://none',
    'local://x',
  ),
  fc.constantFrom('http://', 'http://[', 'http://a b/', 'ftp://a/', 'http://u:p@a/', `http://a/${'x'.repeat(5_000)}`),
  fc.string(),
  fc.string({ unit: 'binary' }),
);
const oddNumbers = fc.constantFrom<unknown>(
  ...[0, -1, 0.5, 1e9, 2 ** 31, 2 ** 53, 1e308],
  ...['-0', '1e400', '-1e400', '9007199254740993', '1.10', '1e-400'].map(raw),
);
const oddValues: fc.Arbitrary<unknown> = fc.oneof(
  oddTexts,
  oddNumbers,
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { '': '' }, { a: { b: 1 } }),
  fc.constantFrom(
    raw('['.repeat(DEEP) + ']'.repeat(DEEP)),
    raw(`${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`),
    raw(`[${'1,'.repeat(20_000)}1]`),
    raw(`{${Array.from({ length: 5_000 }, (_, index) => `"k${index}":1`).join()}}`),
    raw('{"__proto__":{"gid":"x"},"gid":"a","gid":"b"}'),
    raw('"\\ud800"'),
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Every place in a value, as a path of keys. */
function placesOf(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...at, key]))];
}

function withValueAt(value: unknown, [key, ...rest]: readonly string[], odd: unknown): unknown {
  if (key === undefined) return odd;
  const inner = (value as Record<string, unknown>)[key];
  const changed = withValueAt(inner, rest, odd);
  if (Array.isArray(value)) return value.map((each, index) => (String(index) === key ? changed : (each as unknown)));
  return { ...(value as object), [key]: changed };
}

const jsonOf = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/"raw:((?:[^"\\]|\\.)*)"/g, (_, text: string) => JSON.parse(`"${text}"`) as string);

const bytesOf = fc.oneof(
  { weight: 12, arbitrary: fc.constant((text: string) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.nat().map((at) => (text: string) => Buffer.from(text.slice(0, at % (text.length + 1)))) },
  { weight: 1, arbitrary: fc.constant((text: string) => Buffer.from(`\ufeff${text}`)) },
  { weight: 1, arbitrary: fc.constant((text: string) => Buffer.from(`${text}}`)) },
  { weight: 1, arbitrary: fc.constant((text: string) => Buffer.from(text.replaceAll(/[aeo]/g, '\xe9'), 'latin1')) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }).map((bytes) => () => Buffer.from(bytes)) },
);

/** A part of the path or query is replaced, or a parameter repeated. */
const pathChanges = fc.oneof(
  { weight: 4, arbitrary: fc.constant((path: string) => path) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(), fc.oneof(oddTexts, oddNumbers)).map(([at, odd]) => (path: string) => {
      const values = [...path.matchAll(/=([^&]*)/g)];
      const found = values[at % (values.length || 1)];
      if (found === undefined) return path;
      const text = encoded(String(odd).replace(RAW, ''));
      return `${path.slice(0, found.index)}=${text}${path.slice(found.index + found[0].length)}`;
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('?gid=%ff&gid=%00', '?limit=1&limit=2', '?waitMs=x', '?%', '?=&&=', '?waitMs=1e3'),
  }.arbitrary
    .map((query) => ({ query }))
    .map(
      ({ query }) =>
        (path: string) =>
          path.split('?', 1)[0] + query,
    ),
);

/** Percent-encoded; lone surrogates as bytes that are not UTF-8. */
function encoded(text: string): string {
  try {
    return encodeURIComponent(text.slice(0, 2_000));
  } catch {
    return '%ed%a0%80';
  }
}

let last = 0;

/** Requests of all routes: a right one in which up to three places hold something odd. */
export const oddRequests: fc.Arbitrary<OddRequest> = fc
  .record({
    shape: fc.constantFrom(...SHAPES),
    changes: fc.array(fc.tuple(fc.nat(), oddValues), { maxLength: 3 }),
    pattern: fc.constantFrom(undefined, 'saga', 'tcc', 'xa', 'msg', 'workflow'),
    gid: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: oddTexts }),
    changePath: pathChanges,
    toBytes: bytesOf,
    contentType: fc.constantFrom(
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'a/b; charset=x',
    ),
  })
  .map(({ shape, changes, pattern, gid: oddGid, changePath, toBytes, contentType }) => {
    const gid = oddGid ?? `odd-${++last}`;
    const path = changePath(shape.path(encoded(gid)));
    let value = shape.body?.(gid);
    if (pattern !== undefined && typeof value === 'object' && value !== null)
      value = {
        ...value,
        ...('trans_type' in value && { trans_type: pattern }),
        ...('pattern' in value && { pattern }),
      };
    for (const [at, odd] of changes) {
      const places = placesOf(value);
      value = withValueAt(value, places[at % places.length] ?? [], odd);
    }
    const body = shape.body === undefined ? undefined : toBytes(jsonOf(value) ?? '');
    return { method: shape.method, path, body, contentType, gid };
  });
