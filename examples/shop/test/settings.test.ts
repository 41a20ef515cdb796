import { expect, it } from 'vitest';
import { readSettings } from '../src/settings.ts';

it('reads ports and folder from the environment', () => {
  const settings = readSettings({ HOLDFAST_HTTP_PORT: '4000', SHOP_PORT: '5000', SHOP_DATA: '/tmp/x' }, {});
  expect(settings).toMatchObject({ coordinatorPort: 4000, shopPort: 5000, folder: '/tmp/x' });
  expect(readSettings({}, {})).toMatchObject({ coordinatorPort: 36789, shopPort: 18080, folder: 'data/shop' });
});

it('rejects an invalid port, and a first port that leaves no room for the services', () => {
  expect(() => readSettings({ HOLDFAST_HTTP_PORT: 'http' }, {})).toThrow('HOLDFAST_HTTP_PORT takes a port');
  expect(() => readSettings({ SHOP_PORT: '65531' }, {})).toThrow('SHOP_PORT takes a port from 1 to 65530');
});

it('output is coloured only on terminals, and never if NO_COLOR is set', () => {
  expect(readSettings({}, {}).colour).toBe(false);
  expect(readSettings({}, { isTTY: true }).colour).toBe(true);
  expect(readSettings({ NO_COLOR: '1' }, { isTTY: true }).colour).toBe(false);
});
