import type { Duplex } from 'node:stream';
import type { Connection as Client } from 'mysql2';

/** Members of `mysql2` that its types lack. */
interface Internals {
  readonly stream: Duplex;
  handlePacket(packet: { readonly sequenceId: number } | undefined): void;
  readonly sequenceId: number;
  packetParser: { execute(chunk: Buffer): void };
}

/**
 * Reports exceptions of the client in the handler of received bytes, where they are not caught: a
 * message that violates the protocol would terminate the process. A packet out of sequence is
 * reported as well, before the client, which would only print a warning, treats it as part of the
 * response. Call this before `connect`.
 *
 * @param mostBytes more bytes from the server in total are reported, too
 */
export function containExceptions(client: Client, report: (thrown: unknown) => void, mostBytes = Infinity): void {
  const internals = client as unknown as Internals;
  if (mostBytes !== Infinity) countBytes(internals, mostBytes, report);
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

/** Counts before the client collects the packets of a message, which has no limit. */
function countBytes(internals: Internals, mostBytes: number, report: (thrown: unknown) => void): void {
  const { packetParser } = internals;
  let bytes = 0;
  internals.packetParser = {
    execute(chunk) {
      bytes += chunk.length;
      if (bytes <= mostBytes) packetParser.execute(chunk);
      else report(new Error(`the server sent more than ${mostBytes} bytes`));
    },
  };
}

/**
 * Closes the socket at once, whatever the state of the server; the client alone would wait for the
 * server to close it.
 */
export function destroy(client: Client): void {
  client.destroy();
  (client as unknown as Internals).stream.destroy();
}
