import type { Duplex } from 'node:stream';
import type { Connection as Client } from 'mysql2';

/** What `mysql2` has, and its types lack. */
interface Internals {
  readonly stream: Duplex;
  handlePacket(packet: { readonly sequenceId: number } | undefined): void;
  readonly sequenceId: number;
}

/**
 * Reports what the client throws in the handler of received bytes, where nothing else catches an
 * exception: a message that is not of the protocol would end the process. A packet that is not the
 * next one is reported as well, before the client, which would only print that, takes it for a part
 * of the response. Call it before `connect`.
 */
export function containExceptions(client: Client, report: (thrown: unknown) => void): void {
  const internals = client as unknown as Internals;
  const handle = internals.handlePacket.bind(client);
  let failed = false;
  internals.handlePacket = (packet) => {
    if (failed) return;
    try {
      if (packet !== undefined && packet.sequenceId !== internals.sequenceId)
        throw new Error(`packet ${packet.sequenceId} came instead of ${internals.sequenceId}`);
      handle(packet);
    } catch (thrown) {
      failed = true;
      report(thrown);
    }
  };
}

/** Closes the socket at once, whatever the server does; the client alone would wait for its end. */
export function destroy(client: Client): void {
  client.destroy();
  (client as unknown as Internals).stream.destroy();
}
