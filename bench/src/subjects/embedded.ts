import type { EmbeddedRound } from '../embed/embedded-round.ts';
import { RESPONSE_TIMEOUT_SECONDS, type LoadResult } from '../load/load.ts';
import { Helper } from '../processes/helper.ts';
import type { Subject } from './subject.ts';

/** Covers a drain, and writing a CPU profile. */
const STOP_PATIENCE_MS = 30_000;

export interface Embedded extends Subject {
  readonly stop: () => Promise<void>;
}

/**
 * Starts a process that embeds a coordinator and submits to it: its CPU time is that of
 * coordinator, branches and load together.
 */
export async function startEmbedded(store: string, profileFolder: string | undefined): Promise<Embedded> {
  const helper = new Helper(new URL('../embed/embed-main.js', import.meta.url), [store], profileFolder);
  await helper.reply();
  return {
    name: 'embed',
    origin: 'embed:',
    pid: helper.pid,
    ownLoad: {
      name: 'itself',
      run: async ({ connections, seconds, gidPrefix }) => {
        const round: EmbeddedRound = { inFlight: connections, seconds, gidPrefix };
        return (await helper.request(round, (seconds + RESPONSE_TIMEOUT_SECONDS) * 1000)) as LoadResult;
      },
    },
    stop: () => helper.stop(STOP_PATIENCE_MS),
  };
}
