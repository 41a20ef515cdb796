import { onTestFinished } from 'vitest';
import { connect } from '../../src/connect.ts';
import type { Holdfast } from '../../src/holdfast.ts';
import type { ConnectOptions } from '../../src/options.ts';
import { FakeCoordinator } from './fake-coordinator.ts';

/** A fake coordinator and a client of it, both closed when the test ends. */
export async function withCoordinator(
  options?: ConnectOptions,
): Promise<{ readonly coordinator: FakeCoordinator; readonly hf: Holdfast }> {
  const coordinator = await new FakeCoordinator().listen();
  const hf = clientOf(coordinator.url, options);
  onTestFinished(() => coordinator.close());
  return { coordinator, hf };
}

export function clientOf(url: string, options?: ConnectOptions): Holdfast {
  // What a test leaves behind is not waited for.
  const hf = connect(url, { drainMs: 0, ...options });
  onTestFinished(() => hf.close());
  return hf;
}
