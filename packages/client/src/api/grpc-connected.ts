import type { ChannelInterface, Client } from '@grpc/grpc-js';
import type { GrpcLibrary } from './grpc-library.ts';

/** A state that does not change is read again after this time. */
const WATCH_MS = 200;

/**
 * Resolves to undefined once the client is connected, or to the reason why it is not: a call that
 * is made only then was certainly not sent before.
 */
export async function connected(grpc: GrpcLibrary, client: Client, signal: AbortSignal): Promise<Error | undefined> {
  const { READY, TRANSIENT_FAILURE, SHUTDOWN } = grpc.connectivityState;
  const channel = client.getChannel();
  for (;;) {
    const state = channel.getConnectivityState(true);
    if (state === READY) return undefined;
    const where = channel.getTarget().replace(/^dns:/, '');
    if (state === TRANSIENT_FAILURE || state === SHUTDOWN)
      return new Error(`no connection to ${where} was established`);
    if (signal.aborted) return new Error(`no connection to ${where} was established in time`);
    await changed(channel, state, signal);
  }
}

function changed(
  channel: ChannelInterface,
  state: ReturnType<ChannelInterface['getConnectivityState']>,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    channel.watchConnectivityState(state, Date.now() + WATCH_MS, done);
  });
}
