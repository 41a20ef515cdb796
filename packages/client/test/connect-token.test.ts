import { connect, RequestRejected } from '@holdfast/client';
import { type RunningServer, startServer } from '@holdfast/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let server: RunningServer;
let token = '';

beforeAll(async () => {
  server = await startServer({ store: 'memory:', httpPort: 0, grpcPort: 0, drainTimeout: 0, auth: true });
  token = server.bootstrapToken ?? '';
});
afterAll(() => server.close());

describe.each(['http', 'grpc'])('connect over %s', (wire) => {
  const url = () => (wire === 'http' ? server.url : `grpc://${server.grpcAddress}`);

  it('sends the token of its options, or what their function returns', async () => {
    let calls = 0;
    const options = [{ token }, { token: `${token}\n` }, { token: () => (calls++, token) }];
    for (const each of options) {
      const hf = connect(url(), each);
      expect(await hf.get('none')).toBeUndefined();
      expect(await hf.get('none')).toBeUndefined();
      await hf.close();
    }
    expect(calls).toBe(2);
  });

  it('is rejected without a token, and without a valid one', async () => {
    for (const options of [{}, { token: 'hf_wrong' }]) {
      const hf = connect(url(), { ...options, retryForMs: 0 });
      const rejected = await hf.get('none').catch((error: unknown) => error);
      expect(rejected).toBeInstanceOf(RequestRejected);
      expect(rejected).toMatchObject({ rejection: 'unauthenticated' });
      expect(String(rejected)).not.toContain('hf_wrong');
      await hf.close();
    }
  });

  it('acts in the namespace of its options', async () => {
    const shop = connect(url(), { token, namespace: 'shop' });
    const other = connect(url(), { token });
    await shop.tcc(() => undefined, { gid: `in-shop-${wire}`, wait: true });
    expect((await shop.get(`in-shop-${wire}`))?.namespace).toBe('shop');
    expect(await other.get(`in-shop-${wire}`)).toBeUndefined();
    await Promise.all([shop.close(), other.close()]);
  });

  it.each([
    [{ token: '' }, 'token must be'],
    [{ token: 'two words' }, 'token must be'],
    [{ token: 'hf_x', headers: { Authorization: 'Bearer y' } }, 'contradict'],
    [{ namespace: '$holdfast' }, 'namespace must have'],
  ])('rejects %o', (options, fault) => {
    expect(() => connect(url(), options)).toThrow(fault);
  });
});
