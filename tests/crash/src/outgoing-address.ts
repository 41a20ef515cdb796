import { Socket } from 'node:net';

/**
 * Loaded into a coordinator before its own code (`--import
 * …/outgoing-address.js?address=127.0.0.11&except=5432`): its connections, but those to the
 * database's port, come from this address, so that participants see which coordinator calls them.
 * Every address of 127.0.0.0/8 is one of this machine's on Linux; but databases may let in
 * 127.0.0.1 alone.
 */
const { searchParams } = new URL(import.meta.url);
const address = searchParams.get('address');
const except = Number(searchParams.get('except'));
if (address === null) throw new Error('outgoing-address.js needs ?address=');

type Connect = (this: Socket, ...args: unknown[]) => Socket;

// Called as a method of the socket, below.
// oxlint-disable-next-line typescript/unbound-method
const connect = Socket.prototype.connect as Connect;

/** `net.connect` hands its arguments on as a list in a list. */
function withAddress(args: readonly unknown[]): void {
  const [first] = args;
  const options: unknown = Array.isArray(first) ? first[0] : first;
  if (typeof options !== 'object' || options === null || !('port' in options)) return;
  if (Number(options.port) !== except) Object.assign(options, { localAddress: address });
}

Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  withAddress(args);
  return connect.apply(this, args);
};
