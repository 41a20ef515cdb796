import { Socket } from 'node:net';

/**
 * Loaded into a coordinator before its own code (`--import …/outgoing-address.js?address=127.0.0.11`): all its connections come from this address, so that
 * participants see which coordinator calls them. Every address of 127.0.0.0/8 is one of this machine's on Linux.
 */
const address = new URL(import.meta.url).searchParams.get('address');
if (address === null) throw new Error('outgoing-address.js needs ?address=');

type Connect = (this: Socket, ...args: unknown[]) => Socket;

// Called as a method of the socket, below.
// oxlint-disable-next-line typescript/unbound-method
const connect = Socket.prototype.connect as Connect;

/** `net.connect` hands its arguments on as a list in a list. */
function withAddress(args: readonly unknown[]): void {
  const [first] = args;
  const options: unknown = Array.isArray(first) ? first[0] : first;
  if (typeof options === 'object' && options !== null && 'port' in options)
    Object.assign(options, { localAddress: address });
}

Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  withAddress(args);
  return connect.apply(this, args);
};
