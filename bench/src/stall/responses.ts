import { STEPS, type Input, get, largest, many, newGid, saga, step, stored, type Hosts, type Sent } from './input.ts';

/** A message of many steps that is due in an hour. */
const delayed = (count: number, hosts: Hosts): Sent =>
  saga(count, () => ({ action: step(hosts).action }), { trans_type: 'msg', custom_data: '{"delay":3600}' });

/** A workflow with the maximum number of recorded steps. */
function workflow(hanging: string): readonly Sent[] {
  const fields = { gid: 'recorded', trans_type: 'workflow' };
  const start = { ...fields, query_prepared: `${hanging}/`, custom_data: '{"name":"stall"}' };
  const recorded = { ...fields, op: 'action', status: 'succeed', data: 'x'.repeat(500) };
  return [
    { path: '/api/dtmsvr/prepareWorkflow', body: JSON.stringify(start) },
    ...many(STEPS, (i) => ({
      path: '/api/dtmsvr/registerBranch',
      body: JSON.stringify({ ...recorded, branch_id: String(i) }),
    })),
  ];
}

/** The longest responses, and the largest claims. */
export const RESPONSES: readonly Input[] = [
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
  {
    name: 'dtm query of a saga of 1,000 steps whose URLs look like secrets',
    before: ({ branches }) => [
      stored(saga(STEPS, () => ({ action: `${branches}/?${'&-key'.repeat(380)}` }), { gid: 'secretive' })),
    ],
    requests: () => [get('/api/dtmsvr/query?gid=secretive')],
  },
  {
    name: '/api/v1: a workflow of 1,000 recorded steps',
    before: ({ hanging }) => workflow(hanging),
    requests: () => [get('/api/v1/transactions/recorded'), get('/api/v1/transactions/recorded/progress')],
  },
  {
    name: 'page of 1,000 transactions',
    before: (hosts) => many(1_000, () => stored(saga(2, () => step(hosts)))),
    requests: () => [get('/api/dtmsvr/all?limit=1000'), get('/api/v1/transactions?limit=1000')],
  },
  {
    name: 'page of 45 sagas of 1,000 steps',
    before: (hosts) => many(45, () => stored(saga(STEPS, () => step(hosts)))),
    requests: () => [get('/api/dtmsvr/all?limit=1000'), get('/api/v1/transactions?limit=1000')],
  },
  {
    name: 'claim of 45 messages of 1,000 steps',
    before: (hosts) => many(45, () => delayed(STEPS, hosts)),
    requests: () => [get('/api/dtmsvr/resetCronTime?timeout=1&limit=100')],
  },
];
