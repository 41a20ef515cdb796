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
      return new Error(`no connection to ${where} was established${await reasonOf(client)}`);
    if (signal.aborted) return new Error(`no connection to ${where} was established in time`);
    await changed(channel, state, signal);
  }
}

/** Changes nothing if it is sent after all. */
const PROBE = '/grpc.health.v1.Health/Check';
const PROBE_MS = 200;

/** Why there is no connection: the library states the reason only in the error of a call. */
function reasonOf(client: Client): Promise<string> {
  const asBytes = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + PROBE_MS };
    client.makeUnaryRequest(PROBE, asBytes, asBytes, Buffer.alloc(0), options, (error) =>
      resolve(reasonIn(error?.details ?? '')),
    );
  });
}

const LAST_ERROR = /Last error: (?:Error(?: \[\w+\])?: )?(.*?)\s*(?: \([-\d]+T[\d:.]+Z\))?\. Resolution note: /s;
/** For example `80…:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/…`. */
const OF_OPENSSL = /^[\dA-F]+:error:[\dA-F]+:[^:]*:[^:]*:([^:]+):/;

/** The error of the connection in that of a call; empty if it has none. */
function reasonIn(details: string): string {
  const reason = LAST_ERROR.exec(details)?.[1] ?? '';
  return reason === '' || reason === 'null' ? '' : `: ${OF_OPENSSL.exec(reason)?.[1] ?? reason}`;
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
