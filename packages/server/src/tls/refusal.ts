import type { Socket } from 'node:net';
import { TLS_SETTINGS } from './tls-settings.ts';

/** What a port serves over TLS. */
export type Served = 'http' | 'grpc';

/**
 * Rejects a client in its own protocol, once it has sent something: a response without a request
 * would be a fault for many clients.
 */
export function refuse(socket: Socket, served: Served, reason: string): void {
  const end = (): void => {
    clearTimeout(late);
    socket.end(served === 'http' ? httpRefusal(reason) : http2Refusal(reason));
    last = setTimeout(() => socket.destroy(), TLS_SETTINGS.refusalMs);
  };
  let last: NodeJS.Timeout | undefined;
  const late = setTimeout(() => socket.destroy(), TLS_SETTINGS.handshakeTimeoutMs);
  socket.once('close', () => {
    clearTimeout(late);
    clearTimeout(last);
  });
  socket.on('error', () => undefined);
  // Bytes that stay unread would reset the connection before the client has read the reason.
  socket.once('data', end).resume();
}

function httpRefusal(reason: string): string {
  const body = `${JSON.stringify({ code: 'refused', message: reason })}\n`;
  const head = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`;
  return `HTTP/1.1 400 Bad Request\r\n${head}\r\n\r\n${body}`;
}

const INADEQUATE_SECURITY = 0xc;

/** The server's preface (empty settings), then GOAWAY with the reason as debug data. */
function http2Refusal(reason: string): Buffer {
  const text = Buffer.from(reason);
  const bytes = Buffer.alloc(9 + 9 + 8 + text.length);
  bytes.writeUInt8(0x4, 3);
  bytes.writeUIntBE(8 + text.length, 9, 3);
  bytes.writeUInt8(0x7, 12);
  bytes.writeUInt32BE(INADEQUATE_SECURITY, 22);
  text.copy(bytes, 26);
  return bytes;
}
