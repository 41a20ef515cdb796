import { Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { type Called, json, type Participant } from './harness.ts';

const ORDER = { amount: 30, to: 'Zoë' };
const TEXT = JSON.stringify(ORDER);

/**
 * The payload that a handler gets is the one that was sent, or the call is rejected with a 4xx
 * status. A framework that parses bodies itself may reject more than others; a payload that
 * silently became another one (an empty object, a text) would be money that is lost.
 */
export function bodyCases<Route>({ branch, served, callOf }: Participant<Route>): void {
  /** Calls with each of these; returns what the handler got, or that the call was rejected. */
  async function payloadsOf(calls: readonly Called[]): Promise<readonly unknown[]> {
    const got: unknown[] = [];
    const url = await served(branch((call) => void got.push({ payload: call.payload }), { onError: () => {} }));
    const outcomes: unknown[] = [];
    for (const call of calls) {
      const { status, text } = await callOf(url, call);
      const payload = got.splice(0);
      const rejected = status >= 400 && status < 500 && payload.length === 0;
      if (status === 200) expect(json(text)).toEqual({ dtm_result: 'SUCCESS' });
      outcomes.push(rejected ? 'rejected' : (payload[0] ?? `not called: ${status} ${text}`));
    }
    return outcomes;
  }

  async function expectEachAsSent(calls: readonly Called[], sent: unknown = ORDER): Promise<void> {
    const outcomes = await payloadsOf(calls);
    expect(outcomes).toEqual(outcomes.map((one) => (one === 'rejected' ? one : { payload: sent })));
  }

  it('reads a payload, or rejects it, whatever content type it comes with', async () => {
    const types = [
      'application/json; charset=utf-8',
      'application/vnd.api+json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/octet-stream',
      'multipart/form-data; boundary=x',
      '',
    ];
    await expectEachAsSent(types.map((type) => ({ body: TEXT, headers: { 'content-type': type } })));
    expect(await payloadsOf([{ body: TEXT, headers: { 'content-type': 'application/json; charset=utf-8' } }])).toEqual([
      { payload: ORDER },
    ]);
  });

  it('reads a compressed payload, or rejects it', async () => {
    const compressed = [
      ['gzip', gzipSync(TEXT)],
      ['deflate', deflateSync(TEXT)],
      ['br', brotliCompressSync(TEXT)],
      ['identity', Buffer.from(TEXT)],
      ['x-unknown', Buffer.from(TEXT)],
      ['gzip', Buffer.from(TEXT)],
    ] as const;
    await expectEachAsSent(compressed.map(([encoding, body]) => ({ body, headers: { 'content-encoding': encoding } })));
  });

  it('reads a payload that comes in chunks of one byte', async () => {
    const bytes = [...Buffer.from(TEXT)].map((byte) => Buffer.from([byte]));
    expect(await payloadsOf([{ body: Readable.from(bytes) }])).toEqual([{ payload: ORDER }]);
  });

  it('has no payload where no byte of a body came, with a length or without', async () => {
    const nothing = [{ body: null }, { body: '' }, { body: null, headers: { 'content-type': 'application/json' } }];
    expect(await payloadsOf(nothing)).toEqual(nothing.map(() => ({ payload: undefined })));
  });

  it('reads an empty object and an empty list as they are', async () => {
    expect(await payloadsOf([{ body: '{}' }, { body: '[]' }, { body: Readable.from([Buffer.from('{}')]) }])).toEqual([
      { payload: {} },
      { payload: [] },
      { payload: {} },
    ]);
  });

  it.each(['"seat"', '"{\\"amount\\":30}"', '"30"', '30', 'false', '""', '0'])(
    'reads the scalar %s as what it is, or rejects it',
    async (body) => {
      await expectEachAsSent([{ body }, { body: ` ${body}\n` }], JSON.parse(body));
    },
  );

  it('reads a payload with a byte order mark, or rejects it', async () => {
    await expectEachAsSent([{ body: `\ufeff${TEXT}` }]);
  });

  it('reads a deeply nested payload, or rejects it', async () => {
    const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
    const [outcome] = await payloadsOf([{ body: deep }]);
    expect(outcome === 'rejected' || typeof outcome === 'object').toBe(true);
  });

  it('lets no key of a payload change the prototype of objects', async () => {
    await payloadsOf(['{"__proto__":{"bad":1}}', '{"constructor":{"prototype":{"bad":1}}}'].map((body) => ({ body })));
    expect('bad' in {}).toBe(false);
  });

  it('reads a payload of the size of the limit', async () => {
    const body = JSON.stringify(['x'.repeat(1024 * 1024 - 4)]);
    expect(Buffer.byteLength(body)).toBe(1024 * 1024);
    expect(await payloadsOf([{ body }])).toEqual([{ payload: JSON.parse(body) as unknown }]);
  });
}
