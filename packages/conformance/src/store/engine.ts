import { Engine } from '@holdfast/core/engine';
import type { Store } from '@holdfast/core/store';

const quiet = (): void => {};

let sessions = 0;

/** Runs a body with a node over a store that is open. No branch can be reached. */
export async function withEngine(store: Store, body: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = new Engine({
    store,
    caller: {
      destinationOf: () => 'nowhere',
      call: async () => ({ kind: 'UNKNOWN', reason: 'no branch can be reached' }),
    },
    clock: {
      monotonicMs: () => performance.now(),
      wallMs: () => Date.now(),
      setTimer: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
      endOfTurn: (callback) => void setImmediate(callback),
    },
    random: () => 0,
    identities: { newGid: () => 'unused', newSession: () => `engine ${++sessions}` },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  await engine.start();
  try {
    await body(engine);
  } finally {
    await engine.drain(100);
  }
}
