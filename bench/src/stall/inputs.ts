/** One request, or several one after the other, that cost a coordinator as much as any that it accepts, or refuses. */
export interface Input {
  readonly name: string;
  /** What is sent before, and not measured. */
  readonly before?: (hosts: Hosts) => readonly Sent[];
  readonly requests: (hosts: Hosts) => readonly Sent[];
}

export interface Sent {
  /** POST by default. */
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly body: string;
}

/** Origins of the branch service, and of a host that never responds. */
export interface Hosts {
  readonly branches: string;
  readonly hanging: string;
}

const KIB = 1024;
const STEPS = 1_000;
const MOST_BYTES = 4 * KIB * KIB;
const SUBMIT = '/api/dtmsvr/submit';

let serial = 0;
const newGid = (): string => `stall-${process.pid}-${++serial}`;
const many = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));

const submit = (fields: object): Sent => ({ path: SUBMIT, body: JSON.stringify({ gid: newGid(), ...fields }) });

const saga = (count: number, step: (i: number) => object, fields: object = {}, payload = '{}'): Sent =>
  submit({ trans_type: 'saga', steps: many(count, step), payloads: many(count, () => payload), ...fields });

/** A body of the largest size: `before`, then `filler` as often as fits, then `after`. */
const filled = (before: string, filler: string, after: string): string =>
  before + filler.repeat(Math.floor((MOST_BYTES - before.length - after.length) / filler.length)) + after;

const step = ({ branches }: Hosts) => ({ action: `${branches}/debit`, compensate: `${branches}/refund` });

/** Each step comes after the 20 before it: as many dependencies as a saga may have. */
const dependencies = Object.fromEntries(
  many(STEPS, (i) => [i, many(Math.min(i, 20), (n) => i - 1 - n)] as const).filter(([, before]) => before.length > 0),
);

const subscribe = (origin: string, count: number): readonly Sent[] =>
  many(count, (i) => ({ path: `/api/dtmsvr/subscribe?topic=stall&url=${origin}/debit?n=${i}`, body: '' }));

const get = (path: string): Sent => ({ method: 'GET', path, body: '' });

/** Four steps with 1,000 KiB of payload each: about the largest record. */
const largest = (hosts: Hosts, gid: string, fields: object = {}): Sent =>
  saga(4, () => step(hosts), { gid, ...fields }, 'x'.repeat(1_000 * KIB));

/** A saga that is stored, and waits for a submission. */
const stored = ({ path, body }: Sent): Sent => ({ path: path.replace('submit', 'prepare'), body });

/** A tcc with registered branches of 8 MB together, as much as it may have: the data counts for both ops of a branch. */
function registered({ branches }: Hosts): readonly Sent[] {
  const gid = newGid();
  const fields = { gid, trans_type: 'tcc' };
  const urls = { confirm: `${branches}/debit`, cancel: `${branches}/refund` };
  const data = 'x'.repeat(1_000 * KIB);
  return [
    { path: '/api/dtmsvr/prepare', body: JSON.stringify(fields) },
    ...many(4, (i) => ({
      path: '/api/dtmsvr/registerBranch',
      body: JSON.stringify({ ...fields, ...urls, branch_id: String(i), data }),
    })),
    { path: SUBMIT, body: JSON.stringify(fields) },
  ];
}

/** The worst that is known of each kind. */
export const INPUTS: readonly Input[] = [
  { name: 'nothing (what the machine itself adds)', requests: () => [] },
  { name: 'saga of 2 steps', requests: (hosts) => [saga(2, () => step(hosts))] },
  {
    name: 'saga of 2 steps, 128 KiB of payload each',
    requests: (hosts) => [saga(2, () => step(hosts), {}, 'x'.repeat(128 * KIB))],
  },
  {
    name: 'saga of 4 steps, 1 MiB of payload each',
    requests: (hosts) => [saga(4, () => step(hosts), {}, 'x'.repeat(1_000 * KIB))],
  },
  { name: 'saga of 1,000 steps, one after the other', requests: (hosts) => [saga(STEPS, () => step(hosts))] },
  { name: 'saga of 1,000 steps without URLs', requests: () => [saga(STEPS, () => ({}))] },
  {
    name: 'concurrent saga of 1,000 steps',
    requests: (hosts) => [saga(STEPS, () => step(hosts), { concurrent: true })],
  },
  {
    name: 'concurrent saga of 1,000 steps without URLs',
    requests: () => [saga(STEPS, () => ({}), { concurrent: true })],
  },
  {
    name: 'five concurrent sagas of 1,000 steps to a host that hangs',
    requests: ({ hanging }) =>
      many(5, () => saga(STEPS, () => ({ action: `${hanging}/`, compensate: '' }), { concurrent: true })),
  },
  {
    name: 'concurrent saga of 1,000 steps, 20,000 dependencies',
    requests: (hosts) => [
      saga(STEPS, () => step(hosts), { custom_data: JSON.stringify({ concurrent: true, orders: dependencies }) }),
    ],
  },
  {
    name: 'message with 5 topics of 200 subscribers',
    before: ({ branches }) => subscribe(branches, 200),
    requests: () => [
      submit({
        trans_type: 'msg',
        concurrent: true,
        steps: many(5, () => ({ action: 'topic://stall' })),
        payloads: many(5, () => 'x'.repeat(100 * KIB)),
      }),
    ],
  },
  {
    name: '/api/v1: a payload of 19,000 values',
    requests: (hosts) => [
      {
        path: '/api/v1/transactions',
        body: JSON.stringify({
          pattern: 'saga',
          steps: [{ ...step(hosts), payload: many(9_900, (i) => ({ [`k${i}`]: i })) }],
        }),
      },
    ],
  },
  {
    name: 'JSON-RPC batch of 100 sagas',
    requests: (hosts) => [
      {
        path: '/api/json-rpc',
        body: JSON.stringify(
          many(100, (id) => ({
            jsonrpc: '2.0',
            id,
            method: 'submit',
            params: JSON.parse(saga(2, () => step(hosts), {}, 'x'.repeat(16 * KIB)).body) as object,
          })),
        ),
      },
    ],
  },
  { name: 'tcc with registered branches of 8 MiB', requests: registered },
  {
    name: 'claim of 12 messages of 4 MiB each',
    before: (hosts) => many(12, () => largest(hosts, newGid(), { trans_type: 'msg', custom_data: '{"delay":3600}' })),
    requests: () => [get('/api/dtmsvr/resetCronTime?timeout=1&limit=100')],
  },
  {
    name: 'page of a list over transactions of 4 MiB',
    before: (hosts) => many(8, () => stored(largest(hosts, newGid()))),
    requests: () => [get('/api/dtmsvr/all?limit=1000')],
  },
  {
    name: 'query of a transaction of 4 MiB',
    before: (hosts) => [stored(largest(hosts, 'large'))],
    requests: () => [get('/api/dtmsvr/query?gid=large')],
  },
  {
    name: '/api/v1: a transaction of 4 MiB with its branches',
    before: (hosts) => [stored(largest(hosts, 'large'))],
    requests: () => [get('/api/v1/transactions/large')],
  },
  {
    name: '/api/v1: a saga of 1,000 steps with its branches',
    before: (hosts) => [saga(STEPS, () => step(hosts), { gid: 'long' })],
    requests: () => [get('/api/v1/transactions/long')],
  },
  { name: 'refused: 4 MiB of brackets', requests: () => [{ path: SUBMIT, body: filled('', '[', '') }] },
  { name: 'refused: 4 MiB of empty lists', requests: () => [{ path: SUBMIT, body: filled('[', '[],', '0]') }] },
  { name: 'refused: 4 MiB of blanks, broken', requests: () => [{ path: SUBMIT, body: filled('{', ' ', '!') }] },
  { name: 'refused: 4 MiB of line feeds, broken', requests: () => [{ path: SUBMIT, body: filled('{', '\n', '!') }] },
  { name: 'refused: 4 MiB of text, broken', requests: () => [{ path: SUBMIT, body: filled('{"a":"', 'x', '') }] },
  { name: 'refused: 4 MiB of escapes', requests: () => [{ path: SUBMIT, body: filled('{"a":"', '\\"', '"}') }] },
  {
    name: 'refused: 4 MiB of steps',
    requests: () => [{ path: SUBMIT, body: filled('{"gid":"g","trans_type":"saga","steps":[', '1,', '1]}') }],
  },
  {
    name: 'refused: 19,000 steps',
    requests: () => [{ path: SUBMIT, body: `{"gid":"g","trans_type":"saga","steps":[${'1,'.repeat(19_000)}1]}` }],
  },
  {
    name: 'refused: 19,000 headers',
    requests: () => [submit({ branch_headers: Object.fromEntries(many(19_000, (i) => [`header-${i}`, 'x'])) })],
  },
  {
    name: 'refused: 3.8 MB of dependencies',
    requests: (hosts) => [saga(2, () => step(hosts), { custom_data: `{"orders":{"0":[${'1,'.repeat(1_900_000)}1]}}` })],
  },
];
