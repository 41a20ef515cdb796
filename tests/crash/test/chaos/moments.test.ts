import { describe, expect, it } from 'vitest';
import { readerOf } from '../../src/chaos/moments.ts';

const pgQuery = (text: string): Buffer => {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(5);
  head.write('Q');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const mysqlPacket = (command: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([text.length + 1, 0, 0, 0, command]), Buffer.from(text)]);

describe('the moments of a connection', () => {
  it('PostgreSQL: a transaction from its begin to its commit, and XA', () => {
    const read = readerOf('postgres');
    const texts = ['begin isolation level serializable read write', 'select 1', 'commit', 'rollback'];
    expect(texts.map((text) => read(pgQuery(text)))).toEqual(['begin', undefined, 'commit', undefined]);
    expect(read(Buffer.from('P\0\0\0\0\0insert into "dtm_barrier"."barrier" (trans_type'))).toBe('barrier');
    expect(read(pgQuery(`prepare transaction 'g-01'`))).toBe('prepare');
    expect(read(pgQuery(`commit prepared 'g-01'`))).toBe('end of prepared');
    expect(read(pgQuery(`rollback prepared 'g-01'`))).toBe('end of prepared');
  });

  it('MariaDB: the first prepared statement of a transaction is that of the barrier', () => {
    const read = readerOf('mysql');
    const moments = [
      mysqlPacket(0x17, 'outside'),
      mysqlPacket(0x03, 'start transaction read write'),
      mysqlPacket(0x17, 'barrier'),
      mysqlPacket(0x17, 'work'),
      mysqlPacket(0x03, 'commit and no chain no release'),
      mysqlPacket(0x03, `xa start X'67'`),
      mysqlPacket(0x03, `xa prepare X'67'`),
      mysqlPacket(0x03, `xa rollback X'67'`),
    ].map((packet) => read(packet));
    expect(moments).toEqual([
      undefined,
      'begin',
      'barrier',
      undefined,
      'commit',
      'begin',
      'prepare',
      'end of prepared',
    ]);
  });

  it('Redis: a script, whichever library sends it', () => {
    const read = readerOf('redis');
    expect(read(Buffer.from('*3\r\n$7\r\nevalsha\r\n$40\r\n'))).toBe('script');
    expect(read(Buffer.from('*3\r\n$4\r\nEVAL\r\n$40\r\n'))).toBe('script');
    expect(read(Buffer.from('*1\r\n$4\r\nPING\r\n'))).toBeUndefined();
  });
});
