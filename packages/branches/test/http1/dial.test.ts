import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dial } from '../../src/http1/dial.ts';
import { machine } from '../../src/http1/machine.ts';

/** A connection whose success or failure the test triggers. */
class Attempt extends EventEmitter {
  isDestroyed = false;
  destroy(): void {
    this.isDestroyed = true;
  }
  fail(message: string): void {
    this.emit('error', new Error(message));
    this.emit('close');
  }
}

describe('connecting to a name with several addresses', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  async function start(addresses: readonly string[]) {
    const attempts = new Map<string, Attempt>();
    const ended: string[] = [];
    const cancel = dial({
      clock: machine.clock,
      host: 'bank.example',
      lookUp: () => Promise.resolve(addresses),
      open: (address) => {
        const attempt = new Attempt();
        attempts.set(address, attempt);
        return attempt as unknown as Socket;
      },
      readyEvent: 'connect',
      connected: (socket) => {
        ended.push([...attempts].find(([, attempt]) => (attempt as unknown) === socket)?.[0] ?? '');
      },
      failed: (error) => ended.push(error instanceof AggregateError ? error.errors.map(String).join() : error.message),
    });
    await vi.advanceTimersByTimeAsync(0);
    return { attempts, ended, cancel };
  }

  it('does not end the first attempt because it is slow', async () => {
    const { attempts, ended } = await start(['a', 'b']);
    await vi.advanceTimersByTimeAsync(250);
    expect([...attempts.keys()]).toEqual(['a', 'b']);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(attempts.get('a')?.isDestroyed).toBe(false);
    attempts.get('a')?.emit('connect');
    expect(ended).toEqual(['a']);
    expect(attempts.get('b')?.isDestroyed).toBe(true);
    expect(attempts.get('a')?.isDestroyed).toBe(false);
  });

  it('tries the next address at once when one rejects the connection, and fails when all have', async () => {
    const { attempts, ended } = await start(['a', 'b']);
    attempts.get('a')?.fail('refused');
    expect([...attempts.keys()]).toEqual(['a', 'b']);
    attempts.get('b')?.fail('unreachable');
    expect(ended).toEqual(['Error: refused,Error: unreachable']);
  });

  it('ends all attempts when it is cancelled', async () => {
    const { attempts, ended, cancel } = await start(['a', 'b', 'c']);
    await vi.advanceTimersByTimeAsync(250);
    cancel();
    expect([...attempts.values()].map(({ isDestroyed }) => isDestroyed)).toEqual([true, true]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(attempts.size).toBe(2);
    expect(ended).toEqual([]);
  });
});
