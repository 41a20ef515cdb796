import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ERROR_RULES } from '@holdfast/protocol';
import { headOfError } from '../http/error-head.ts';
import { TLS_SETTINGS } from './tls-settings.ts';

/** What a port serves over TLS. */
export type Served = 'http' | 'grpc';

/** Why a connection is rejected. */
export interface Refusal {
  readonly code: 'invalid' | 'unauthenticated';
  readonly reason: string;
}

/**
 * Rejects a client in its own protocol, once it has sent something: a response without a request
 * would be a fault for many clients.
 */
export function refuse(socket: Socket, served: Served, refusal: Refusal): void {
  const end = (): void => {
    clearTimeout(late);
    socket.end(served === 'http' ? httpRefusal(refusal) : http2Refusal(refusal));
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

/** A problem document, which is also an error response of dtm's protocol: the path is not known. */
function httpRefusal({ code, reason }: Refusal): string {
  const { httpStatus, title } = ERROR_RULES[code];
  const problem = { type: 'about:blank', title, status: httpStatus, detail: reason, code, message: reason };
  const body = `${JSON.stringify(problem)}\n`;
  const head = [
    `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  const [name, value] = headOfError({ code });
  if (name !== undefined) head.push(`${name}: ${value}`);
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

const INADEQUATE_SECURITY = 0xc;

/** The server's preface (empty settings), then GOAWAY with the reason as debug data. */
function http2Refusal({ reason }: Refusal): Buffer {
  const text = Buffer.from(reason);
  const bytes = Buffer.alloc(9 + 9 + 8 + text.length);
  bytes.writeUInt8(0x4, 3);
  bytes.writeUIntBE(8 + text.length, 9, 3);
  bytes.writeUInt8(0x7, 12);
  bytes.writeUInt32BE(INADEQUATE_SECURITY, 22);
  text.copy(bytes, 26);
  return bytes;
}
