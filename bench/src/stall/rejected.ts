import { SUBMIT, type Input, filled, many, saga, step, stored, submit } from './input.ts';

/** A payload of the largest size that ends with a number. */
const numbers = (last: string): string => `[${'1,'.repeat(520_000)}${last}]`;

/** The worst requests that are rejected. */
export const REJECTED: readonly Input[] = [
  { name: 'rejected: 4 MiB of brackets', requests: () => [{ path: SUBMIT, body: filled('', '[', '') }] },
  { name: 'rejected: 4 MiB of empty lists', requests: () => [{ path: SUBMIT, body: filled('[', '[],', '0]') }] },
  { name: 'rejected: 4 MiB of blanks, broken', requests: () => [{ path: SUBMIT, body: filled('{', ' ', '!') }] },
  { name: 'rejected: 4 MiB of line feeds, broken', requests: () => [{ path: SUBMIT, body: filled('{', '\n', '!') }] },
  { name: 'rejected: 4 MiB of text, broken', requests: () => [{ path: SUBMIT, body: filled('{"a":"', 'x', '') }] },
  { name: 'rejected: 4 MiB of escapes', requests: () => [{ path: SUBMIT, body: filled('{"a":"', '\\"', '"}') }] },
  {
    name: 'rejected: 4 MiB of steps',
    requests: () => [{ path: SUBMIT, body: filled('{"gid":"g","trans_type":"saga","steps":[', '1,', '1]}') }],
  },
  {
    name: 'rejected: 19,000 steps',
    requests: () => [{ path: SUBMIT, body: `{"gid":"g","trans_type":"saga","steps":[${'1,'.repeat(19_000)}1]}` }],
  },
  {
    name: 'rejected: 19,000 headers',
    requests: () => [submit({ branch_headers: Object.fromEntries(many(19_000, (i) => [`header-${i}`, 'x'])) })],
  },
  {
    name: 'rejected: 3.8 MB of dependencies',
    requests: (hosts) => [saga(2, () => step(hosts), { custom_data: `{"orders":{"0":[${'1,'.repeat(1_900_000)}1]}}` })],
  },
  {
    name: 'rejected: a gid submitted again with another payload, 1 MiB of numbers',
    before: (hosts) => [stored(saga(1, () => step(hosts), { gid: 'again' }, numbers('1')))],
    requests: (hosts) => [stored(saga(1, () => step(hosts), { gid: 'again' }, numbers('2')))],
  },
];
