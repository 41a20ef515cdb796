import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../src/database/open-database.ts';

/** A server that treats each connection so, until the test ends. */
async function serverOf(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Sends it again and again, as fast as it is received. */
function endlessly(socket: Socket, next: () => Buffer): void {
  const send = (): void => {
    while (!socket.destroyed && socket.write(next()));
  };
  socket.on('drain', send);
  send();
}

/** A message of PostgreSQL. */
function message(kind: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(kind, 'latin1');
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

it('a PostgreSQL that sends a message of 4 GB is left at once', async () => {
  const head = Buffer.from([0x45, 0xff, 0xff, 0xff, 0xff]);
  const port = await serverOf((socket) => socket.once('data', () => socket.write(head)));
  await expect(openDatabase(`postgres://u@127.0.0.1:${port}/d`)).rejects.toThrow(/ErrorResponse of 4294967295 bytes/);
});

it('a PostgreSQL that never ends a result is left after 64 MiB', async () => {
  const column = Buffer.concat([Buffer.from([0, 1]), Buffer.from('c\0'), Buffer.alloc(18)]);
  column.writeUInt32BE(25, 10);
  const cell = Buffer.alloc(1024 * 1024, 'x');
  const size = Buffer.alloc(6);
  size.writeUInt16BE(1, 0);
  size.writeUInt32BE(cell.length, 2);
  const row = message('D', Buffer.concat([size, cell]));
  const port = await serverOf((socket) => {
    socket.once('data', () => {
      socket.once('data', () => {
        socket.write(message('T', column));
        endlessly(socket, () => row);
      });
      socket.write(Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]));
    });
  });
  const database = await openDatabase(`postgres://u@127.0.0.1:${port}/d`);
  await expect(database.query('select c from t')).rejects.toThrow('the server sent more than 67108864 bytes');
});

it('a MariaDB that never ends a message is left after 64 MiB', async () => {
  const packet = Buffer.alloc(4 + 0xff_ff_ff);
  packet.writeUIntLE(0xff_ff_ff, 0, 3);
  const port = await serverOf((socket) => {
    let sequence = 0;
    endlessly(socket, () => {
      const next = Buffer.from(packet);
      next[3] = sequence++ % 256;
      return next;
    });
  });
  await expect(openDatabase(`mysql://u@127.0.0.1:${port}/d`)).rejects.toThrow(
    'the server sent more than 67108864 bytes',
  );
});
