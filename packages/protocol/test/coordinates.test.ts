import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COORDINATES, coordinatesIn, withoutCoordinates } from '@holdfast/protocol';

describe("a URL with the coordinator's own parameters", () => {
  it.each([
    ['http://a/debit?gid=42', [['gid', '42']], 'http://a/debit'],
    ['http://a/debit?%67id=42&x=1', [['gid', '42']], 'http://a/debit?x=1'],
    [
      'http://a?x=%20+&OP=a&op=b#gid=1',
      [
        ['op', 'a'],
        ['op', 'b'],
      ],
      'http://a?x=%20+#gid=1',
    ],
    ['http://a?trans_type', [['trans_type', '']], 'http://a'],
    ['http://a?branch%5Fid=01&&y', [['branch_id', '01']], 'http://a?&y'],
    ['http://a/gid?xgid=1&gidx=2#?gid=3', [], 'http://a/gid?xgid=1&gidx=2#?gid=3'],
    ['', [], ''],
  ])('%s has %j, and is %s without', (url, found, without) => {
    expect(coordinatesIn(url)).toEqual(found);
    expect(withoutCoordinates(url)).toBe(without);
  });

  it('has none once they are taken out, whatever it is', () => {
    const part = fc.oneof(fc.constantFrom(...COORDINATES, '%67id', '&', '=', '?', '#', '%', '+'), fc.string());
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const url = `http://a/?${parts.join('')}`;
        expect(coordinatesIn(withoutCoordinates(url))).toEqual([]);
        expect(withoutCoordinates(withoutCoordinates(url))).toBe(withoutCoordinates(url));
      }),
    );
  });
});
