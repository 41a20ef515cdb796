import fc from 'fast-check';
import { expect, it } from 'vitest';
import { branchIdInXaName, xaName } from '../src/xa-name.ts';

it("is as dtm's clients name it, unless the branch id has a hyphen", () => {
  expect(xaName('order-T', '01')).toBe('order-T-01');
  expect(xaName('order', 'debit_1.a:b')).toBe('order-debit_1.a:b');
  expect(xaName('order', 'debit-1')).toBe('order-debit~1');
});

it('is read back at its last hyphen, so that no two branches have the same name', () => {
  const text = fc.string({ unit: fc.constantFrom('-', '~', '%', '2', '5', '7', 'E', 'a'), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(text, text, (gid, branchId) => {
      const name = xaName(gid, branchId);
      const end = name.lastIndexOf('-');
      expect([name.slice(0, end), branchIdInXaName(name.slice(end + 1))]).toEqual([gid, branchId]);
    }),
    { seed: 20_261_129 },
  );
});
