import { connect } from '@holdfast/client';
import { afterAll, expect, it } from 'vitest';

const hf = connect('http://127.0.0.1:1');

afterAll(() => hf.close());

it.each([
  ['ended', 'finished'],
  ['runCallBack', 'runCallback'],
])('rejects the earlier name of a method with the present one: %s', (before, now) => {
  const method = Reflect.get(hf, before) as () => unknown;
  expect(method).toThrow(`hf.${before}() has been renamed: call hf.${now}()`);
});

it('rejects the earlier name of an option with the present one', () => {
  const options = { callBackUrl: 'http://127.0.0.1:1' };
  expect(() => connect('http://127.0.0.1:1', options as object)).toThrow(/callBackUrl.*callbackUrl/);
});
