import net from 'node:net';
import tls from 'node:tls';
import type { buildConnector } from 'undici';
import { dial } from '../http1/dial.ts';
import { machine } from '../http1/machine.ts';
import { endpointOf, faultOfAddress, type HttpPoolSettings } from '../http1/http-pool.ts';
import { tlsOptionsFor } from '../tls/tls-source.ts';
import type { Names } from '../names/names.ts';

/**
 * Connects for undici by the rules of `http1`: Holdfast's resolver supplies the addresses, all of
 * them are tried in parallel, and the connect timeout covers the lookup, all attempts and the TLS
 * handshake.
 * @param onConnected called with each connection
 */
export function connectorTo(
  origin: string,
  { connectTimeoutMs, tls: source, guard }: HttpPoolSettings,
  names: Names,
  onConnected: (socket: net.Socket) => void,
): buildConnector.connector {
  const endpoint = endpointOf(origin);
  const { host, port, isSecure } = endpoint;
  const faultOf = faultOfAddress(endpoint, guard);
  return (_options, done) => {
    const failed = (error: Error): void => {
      clearTimeout(deadline);
      names.forget(host);
      done(error, null);
    };
    const cancel = dial<net.Socket>({
      clock: machine.clock,
      host,
      lookUp: (name) => names.lookUp(name),
      faultOf,
      open: (address) =>
        isSecure
          ? tls.connect({ ...tlsOptionsFor(host, source), host: address, port })
          : net.connect({ host: address, port }),
      readyEvent: isSecure ? 'secureConnect' : 'connect',
      connected: (socket) => {
        clearTimeout(deadline);
        socket.setNoDelay(true);
        onConnected(socket);
        done(null, socket);
      },
      failed,
    });
    const deadline = setTimeout(() => {
      cancel();
      failed(new Error(`not connected within ${connectTimeoutMs} ms`));
    }, connectTimeoutMs);
  };
}
