import { describe, expect, it, vi } from 'vitest';
import { ConnectionPools } from '@holdfast/branches';
import { GrpcChannel } from '../../src/grpc/grpc-channel.ts';
import type { GrpcExchange } from '../../src/grpc/grpc-exchange.ts';
import type { GrpcEndpoint } from '../../src/grpc/resolver.ts';

/** A channel with a resolver, and the reasons why its calls have failed. */
function channelWith(resolve: () => Promise<readonly GrpcEndpoint[]>) {
  const { clock, names } = new ConnectionPools();
  const resolver = { schemes: ['odd'], faultOf: () => undefined, resolve };
  const settings = { clock, names, connectTimeoutMs: 20, idleMs: 1_000, tls: {} };
  const failures: string[] = [];
  const channel = new GrpcChannel('servers', false, resolver, settings);
  const call = { failed: (error: Error) => failures.push(error.message) } as unknown as GrpcExchange;
  return { failures, send: () => channel.send(call) };
}

describe('a target whose resolver', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('no such list');
      },
      'no such list',
    ],
    ['rejects', () => Promise.reject(new Error('no such list')), 'no such list'],
    ['finds no servers', () => Promise.resolve([]), 'servers has no servers'],
    ['never settles', () => new Promise<never>(() => {}), 'servers could not be resolved within 20 ms'],
  ] as const)('%s fails its calls, and is resolved again by the next one', async (_, behaviour, message) => {
    const resolve = vi.fn<() => Promise<readonly GrpcEndpoint[]>>(behaviour);
    const { send, failures } = channelWith(resolve);
    for (const count of [1, 2]) {
      send();
      await vi.waitUntil(() => failures.length === count, { timeout: 10_000 });
      expect(resolve).toHaveBeenCalledTimes(count);
    }
    expect(failures).toEqual([message, message]);
  });
});
