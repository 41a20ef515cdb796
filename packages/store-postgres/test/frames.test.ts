import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Frames } from '../src/frames.ts';
import { createPostgresStore } from '../src/index.ts';

const message = (kind: string, body: string | Buffer, length?: number): Buffer => {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
  const header = Buffer.alloc(5);
  header.write(kind, 'latin1');
  header.writeUInt32BE(length ?? bytes.length + 4, 1);
  return Buffer.concat([header, bytes]);
};

const AUTHENTICATED = message('R', '\0\0\0\0');
const READY = message('Z', 'I');

/** Faulty messages of a server: fields that exceed the message, lengths that exceed the data. */
const FAULTS: Readonly<Record<string, readonly [Buffer, string]>> = {
  'an error of no byte': [message('E', ''), 'ErrorResponse of 4 bytes'],
  'an error whose field has no terminator': [message('E', 'SERROR'), 'ErrorResponse of 10 bytes'],
  'an error without its last byte': [message('E', 'SERROR\0'), 'ErrorResponse of 11 bytes'],
  'an error that ends early': [message('E', 'SERROR\0\0Mmore\0'), 'ErrorResponse of 18 bytes'],
  'a notice of no byte': [message('N', ''), 'NoticeResponse of 4 bytes'],
  'a notice whose field has no terminator': [message('N', 'SNOTICE'), 'NoticeResponse of 11 bytes'],
  'a row description with more columns than it holds': [
    message('T', `\x7f\xffa${'\0'.repeat(19)}`),
    'RowDescription of 26 bytes',
  ],
  'a row description with a name that has no terminator': [message('T', '\0\x01abc'), 'RowDescription of 9 bytes'],
  'a row description without its count': [message('T', '\0'), 'RowDescription of 5 bytes'],
  'a row with more fields than it holds': [message('D', '\x7f\xff\0\0\0\0'), 'DataRow of 10 bytes'],
  'a row with a field that is longer than the row': [message('D', '\0\x01\0\0\0\x09a'), 'DataRow of 11 bytes'],
  'a row with a field of a negative length': [message('D', '\0\x01\xff\xff\xff\x00'), 'DataRow of 10 bytes'],
  'a row with bytes behind its fields': [message('D', '\0\x01\0\0\0\x01ab'), 'DataRow of 12 bytes'],
  'a row without its count': [message('D', ''), 'DataRow of 4 bytes'],
  'a parameter without a terminator': [message('S', 'a\0b'), 'ParameterStatus of 7 bytes'],
  'a parameter without a value': [message('S', 'a\0'), 'ParameterStatus of 6 bytes'],
  'the end of a command without a terminator': [message('C', 'SET'), 'CommandComplete of 7 bytes'],
  'a notification without a terminator': [message('A', '\0\0\0\x01a\0b'), 'NotificationResponse of 11 bytes'],
  'a description with more parameters than it holds': [message('t', '\0\x02\0\0\0\x17'), 'ParameterDescription'],
  'mechanisms without a terminator': [message('R', '\0\0\0\x0aSCRAM-SHA-256\0'), 'Authentication of 22 bytes'],
  'an authentication without its code': [message('R', '\0\0'), 'Authentication of 6 bytes'],
  'a cut key': [message('K', '\0\0\0\x01'), 'BackendKeyData of 8 bytes'],
  'a state of no byte': [message('Z', ''), 'ReadyForQuery of 4 bytes'],
  'a message that is shorter than its length': [message('2', '', 3), 'BindComplete of 3 bytes'],
  'a row longer than any': [message('D', '', 0x7fff_ffff), 'DataRow of 2147483647 bytes'],
  'a row of more than 2 GiB': [message('D', '', 0xffff_ffff), 'DataRow of 4294967295 bytes'],
  'a state longer than any': [message('Z', '', 30_001), 'ReadyForQuery of 30001 bytes'],
  'a message of an unknown kind': [message('?', ''), 'a message of the kind 63'],
  'a COPY that no statement started': [message('G', '\0\x7f\xff'), 'a message of the kind 71'],
};

describe('a message that is not of the protocol', () => {
  it.each(Object.entries(FAULTS))(
    '%s ends the connection with its reason, and the process continues',
    async (_, [bytes, why]) => {
      const server = createServer((client) => {
        client.on('error', () => undefined);
        client.once('data', () => {
          client.write(Buffer.concat([AUTHENTICATED, READY]));
          client.once('data', () => void client.write(bytes));
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `postgres://user@127.0.0.1:${(server.address() as AddressInfo).port}/db`;
      const store = createPostgresStore({ url, connectTimeoutMs: 20_000 });
      try {
        await expect(store.open()).rejects.toMatchObject({
          code: 'unavailable',
          message: expect.stringContaining(`not of the PostgreSQL protocol: ${why}`) as unknown,
        });
      } finally {
        await store.close();
        server.close();
      }
    },
  );
});

describe('messages of the protocol', () => {
  const sound = [
    AUTHENTICATED,
    message('R', '\0\0\0\x05salt'),
    message('R', '\0\0\0\x0aSCRAM-SHA-256\0SCRAM-SHA-256-PLUS\0\0'),
    message('R', '\0\0\0\x0br=abc'),
    message('S', 'TimeZone\0UTC\0'),
    message('S', 'application_name\0\0'),
    message('K', '\0\0\0\x01\0\0\0\x02'),
    READY,
    message('1', ''),
    message('2', ''),
    message('t', '\0\x01\0\0\0\x17'),
    message('T', `\0\x02a\0${'\0'.repeat(18)}b\0${'\x01'.repeat(18)}`),
    message('D', '\0\x03\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0'),
    message('D', Buffer.concat([Buffer.of(0, 1, 0, 3, 0, 0), Buffer.alloc(0x3_0000, 1)])),
    message('D', '\0\0'),
    message('C', 'SELECT 3\0'),
    message('n', ''),
    message('I', ''),
    message('E', 'SERROR\0C40001\0Mwhy\0\0'),
    message('N', '\0'),
    message('A', '\0\0\0\x01channel\0\0'),
    READY,
  ];
  const all = Buffer.concat(sound);

  it.each([1, 3, 5, 7, 64, 1_000, 65_536, all.length])(
    'are passed on whole and unchanged when they arrive in pieces of %i bytes',
    (size) => {
      const frames = new Frames();
      const passed: Buffer[] = [];
      for (let at = 0; at < all.length; at += size)
        frames.receive(all.subarray(at, at + size), (messages) => passed.push(Buffer.from(messages)));
      expect(Buffer.concat(passed).equals(all)).toBe(true);
      const ends = new Set(sound.map((_, i) => Buffer.concat(sound.slice(0, i + 1)).length));
      let end = 0;
      for (const { length } of passed) expect(ends.has((end += length))).toBe(true);
    },
  );

  it('that precede a malformed one are passed on', () => {
    const passed: Buffer[] = [];
    const spoilt = Buffer.concat([READY, message('E', '')]);
    expect(() => new Frames().receive(spoilt, (messages) => passed.push(messages))).toThrow('ErrorResponse');
    expect(passed).toEqual([READY]);
  });
});
