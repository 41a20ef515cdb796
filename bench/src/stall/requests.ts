import { KIB, STEPS, type Input, dependencies, many, registered, saga, step, submit, subscribe } from './input.ts';

/** The worst requests that are accepted, of each kind. */
export const REQUESTS: readonly Input[] = [
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
    name: 'concurrent saga of 1,000 steps at different URLs with 100 headers',
    requests: ({ branches }) => [
      saga(STEPS, (i) => ({ action: `${branches}/debit?n=${i}`, compensate: `${branches}/refund?n=${i}` }), {
        concurrent: true,
        branch_headers: Object.fromEntries(many(100, (i) => [`x-header-${i}`, 'x'.repeat(60)])),
      }),
    ],
  },
  {
    name: 'JSON-RPC batch of 18 sagas of 1,000 steps without URLs',
    requests: () => [
      {
        path: '/api/json-rpc',
        body: JSON.stringify(
          many(18, (id) => ({
            jsonrpc: '2.0',
            id,
            method: 'submit',
            params: JSON.parse(saga(STEPS, () => ({}), {}, '').body) as object,
          })),
        ),
      },
    ],
  },
];
