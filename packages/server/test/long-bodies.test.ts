import { expect, it } from 'vitest';
import { isLong, parseLongJson } from '../src/http/json-text.ts';

it('other events get their turns while a long body is parsed', async () => {
  const text = JSON.stringify({ payload: 'x'.repeat(256 * 1024) });
  expect(isLong(text)).toBe(true);
  let turns = 0;
  let parsing = true;
  const count = (): void => {
    turns++;
    if (parsing) setImmediate(count);
  };
  setImmediate(count);
  await parseLongJson(text);
  parsing = false;
  expect(turns).toBeGreaterThanOrEqual(2);
});
