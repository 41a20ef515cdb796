import { expect, test } from 'vitest';
import { sagaBody, sagaTail } from '../src/load/saga.ts';

test('a saga has two branches, its own gid, and waits for its result', () => {
  const body: unknown = JSON.parse(sagaBody('run-7', sagaTail('http://b:1')));
  expect(body).toEqual({
    gid: 'run-7',
    trans_type: 'saga',
    wait_result: true,
    steps: [
      { action: 'http://b:1/debit', compensate: 'http://b:1/refund' },
      { action: 'http://b:1/credit', compensate: 'http://b:1/revoke' },
    ],
    payloads: ['{"amount":30}', '{"amount":30}'],
  });
});
