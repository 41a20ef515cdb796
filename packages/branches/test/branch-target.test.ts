import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { BranchTargets, parseBranchUrl } from '@holdfast/branches';

describe('a branch URL', () => {
  it('that is http keeps its own path and query as they are', () => {
    expect(parseBranchUrl('http://bank:8080/a%20b?x=1&method=Debit#part')).toEqual({
      kind: 'http',
      destination: 'http://bank:8080',
      host: 'bank:8080',
      path: '/a%20b?x=1&method=Debit',
      pathPrefix: '/a%20b?x=1&method=Debit&',
      rpcMethod: 'Debit',
      coordinates: [],
      authorization: '',
    });
    expect(parseBranchUrl('HTTPS://bank')).toMatchObject({ destination: 'https://bank', pathPrefix: '/?' });
  });

  it.each([
    ['local://debit', 'local'],
    ['topic://orders', 'topic'],
    ['localhost:50001/busi.Busi/TransIn', 'grpc'],
    ['etcd://registry/busi.Busi/TransIn', 'malformed'],
    ['http://[', 'malformed'],
    ['bank/debit', 'malformed'],
    ['/debit', 'malformed'],
  ])('%s is %s', (url, kind) => {
    expect(parseBranchUrl(url).kind).toBe(kind);
  });

  it('of any kind is taken apart without an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `http://${text}`),
        ),
        (url) => {
          expect(typeof parseBranchUrl(url).kind).toBe('string');
        },
      ),
    );
  });
});

describe('the cache of targets', () => {
  it('answers the same object for the same URL', () => {
    const targets = new BranchTargets();
    expect(targets.of('http://a/x')).toBe(targets.of('http://a/x'));
  });

  it('keeps what is used and stays bounded whatever URLs come', () => {
    const targets = new BranchTargets(100);
    const used = targets.of('http://a/used');
    for (let index = 0; index < 1_000; index++) {
      targets.of(`http://a/${index}`);
      expect(targets.of('http://a/used')).toBe(used);
      expect(targets.size).toBeLessThanOrEqual(100);
    }
  });
});
