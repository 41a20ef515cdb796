import fc from 'fast-check';
import { expect, it } from 'vitest';
import { holdfastService } from '../../src/grpc/v1/holdfast-service.ts';

const { watch } = holdfastService().streams;
const count = fc.nat();
const text = fc.string();
const branch = fc.record({
  ...{ branchId: text, op: text, url: text, status: fc.constant('succeed'), started: fc.boolean() },
  ...{ attempts: count, nextAttemptAtMs: count, finishedAtMs: count },
});
const transaction = fc.record(
  { gid: text, version: count, status: fc.constant('submitted'), branches: fc.array(branch), finishedAtMs: count },
  { requiredKeys: ['gid', 'version', 'branches'] },
);

it('an event in pieces is the same message as at once, also with a long transaction in it', () => {
  fc.assert(
    fc.property(fc.record({ transaction }, { requiredKeys: [] }), (event) => {
      const pieces = Buffer.concat([...watch.encodeResultInPieces(event)]);
      expect(watch.decodeResult(pieces)).toEqual(watch.decodeResult(watch.encodeResult(event)));
      expect([...watch.encodeResultInPieces(event)].length).toBeGreaterThan(event.transaction?.branches.length ?? 0);
    }),
  );
});
