import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHeaders, Http2Error } from '@holdfast/http2';
import { HeaderDecoder } from '../src/hpack/header-decoder.ts';
import { CODE_BITS, decodeHuffman, huffmanCodes } from '../src/hpack/huffman.ts';
import { STATIC_TABLE } from '../src/hpack/static-table.ts';

const LIMITS = { tableBytes: 4_096, maxListBytes: 64 * 1024, maxFields: 128 };
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

function decode(decoder: HeaderDecoder, block: Buffer): readonly (readonly [string, string])[] | undefined {
  return decoder.decode(block, 0, block.length)?.map(({ name, value }) => [name, value]);
}
const decodeOnce = (text: string) => decode(new HeaderDecoder(LIMITS), hex(text));

/** Encodes a text in the Huffman code, bit by bit. */
function huffman(text: string): Buffer {
  const codes = huffmanCodes();
  let bits = '';
  for (const byte of Buffer.from(text, 'latin1'))
    bits += (codes[byte] as number).toString(2).padStart(CODE_BITS[byte] as number, '0');
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

describe('the Huffman code', () => {
  it('is complete: its codes use up all texts of bits', () => {
    expect(CODE_BITS.reduce((sum, bits) => sum + 2 ** -bits, 0)).toBe(1);
  });

  it('has the codes of RFC 7541 (appendix B)', () => {
    const codes = huffmanCodes();
    expect([codes[0], codes[48], codes[97], codes[92], codes[249], codes[22], codes[256]]).toEqual([
      0x1ff8, 0x0, 0x3, 0x7fff0, 0xffffffe, 0x3ffffffe, 0x3fffffff,
    ]);
  });

  it('is decoded as it was encoded, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString('latin1');
        const encoded = huffman(text);
        expect(decodeHuffman(encoded, 0, encoded.length)).toBe(text);
      }),
    );
  });

  it.each([
    ['padding with a zero', '18'],
    ['padding of a whole byte', 'ff'],
    ['padding of more than a byte', '1fff'],
    ['the code of the end', 'ffffffff'],
    ['the code of the end after a byte', '1fffffffff'],
  ])('with %s is an error', (_, text) => {
    const bytes = hex(text);
    expect(decodeHuffman(bytes, 0, bytes.length)).toBeUndefined();
  });
});

describe('a header block', () => {
  // RFC 7541, appendix C.
  it.each([
    [
      'without the Huffman code',
      ['828684410f7777772e6578616d706c652e636f6d', '828684be58086e6f2d6361636865'],
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ],
    [
      'with it',
      ['828684418cf1e3c2e5f23a6ba0ab90f4ff', '828684be5886a8eb10649cbf'],
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ],
  ])('%s is that of the examples in RFC 7541 (C.3, C.4)', (_, [first = '', second = ''], third) => {
    const decoder = new HeaderDecoder(LIMITS);
    const request = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'www.example.com'],
    ];
    expect(decode(decoder, hex(first))).toEqual(request);
    expect(decode(decoder, hex(second))).toEqual([...request, ['cache-control', 'no-cache']]);
    expect(decode(decoder, hex(third))).toEqual([
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/index.html'],
      [':authority', 'www.example.com'],
      ['custom-key', 'custom-value'],
    ]);
  });

  it('evicts the oldest fields from a table of 256 bytes, as in the example of RFC 7541 (C.5)', () => {
    const decoder = new HeaderDecoder({ ...LIMITS, tableBytes: 256 });
    const [date, next] = ['Mon, 21 Oct 2013 20:13:21 GMT', 'Mon, 21 Oct 2013 20:13:22 GMT'];
    const location = 'https://www.example.com';
    decode(
      decoder,
      hex(
        '4803333032 580770726976617465 611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54 6e1768747470733a2f2f7777772e6578616d706c652e636f6d',
      ),
    );
    const cached = ['cache-control', 'private'];
    expect(decode(decoder, hex('4803333037c1c0bf'))).toEqual([
      [':status', '307'],
      cached,
      ['date', date],
      ['location', location],
    ]);
    const cookie = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
    const block = Buffer.concat([hex('88c1611d'), Buffer.from(next), hex('c05a04677a69707738'), Buffer.from(cookie)]);
    expect(decode(decoder, block)).toEqual([
      [':status', '200'],
      cached,
      ['date', next],
      ['location', location],
      ['content-encoding', 'gzip'],
      ['set-cookie', cookie],
    ]);
  });

  it.each([
    ['the index 0', '80'],
    ['an index beyond both tables', 'be'],
    ['a name beyond both tables', '7f00 0161'],
    ['an integer that is cut off', 'ff'],
    ['an integer without end', 'ffffffffffffffffff01'],
    ['an integer of many zeros', 'ff80808080808000'],
    ['a text that is cut off', '00 0561'],
    ['a text that is missing', '00 0161'],
    ['a text of 2 GB', '00 7fffffffff07'],
    ['a malformed Huffman code', '00 81ff 0161'],
    ['a size of the table above the limit', '3fe21f'],
    ['a size of the table after a field', '82 20'],
  ])('with %s is an error of the connection', (_, text) => {
    expect(() => decodeOnce(text)).toThrow(Http2Error);
  });

  it('may change the size of the table several times at its beginning', () => {
    const decoder = new HeaderDecoder(LIMITS);
    expect(decode(decoder, hex('4001610162'))).toEqual([['a', 'b']]);
    expect(decode(decoder, hex('203fe11f82'))).toEqual([[':method', 'GET']]);
    // The table was emptied.
    expect(() => decode(decoder, hex('be'))).toThrow('there is no field');
  });

  it.each([
    ['bytes', { maxListBytes: 100 }, '828282'],
    ['fields', { maxFields: 2 }, '828282'],
    ['bytes of fields in the table', { maxListBytes: 100 }, '400161 0162 bebebe'],
  ])('with too many %s has no fields, and the table is as the sender has it', (_, limit, text) => {
    const decoder = new HeaderDecoder({ ...LIMITS, ...limit });
    expect(decode(decoder, hex(`${text}40 0163 0164`))).toBeUndefined();
    expect(decode(decoder, hex('be'))).toEqual([['c', 'd']]);
  });

  it('with any bytes is decoded or is an error of HTTP/2', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HeaderDecoder(LIMITS);
        try {
          for (const block of blocks) expect(decode(decoder, Buffer.from(block))?.length ?? 0).toBeLessThanOrEqual(128);
        } catch (error) {
          expect(error).toBeInstanceOf(Http2Error);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is decoded as it was encoded, whatever the texts', () => {
    const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
    const known = fc.constantFrom(...STATIC_TABLE.map(({ name, value }) => [name, value] as [string, string]));
    const field = fc.oneof(fc.tuple(text, text), known, fc.tuple(fc.constantFrom('authorization', 'te'), text));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
        const decoder = new HeaderDecoder(LIMITS);
        const block = encodeHeaders(fields);
        // Twice: nothing was added to the table.
        for (const decoded of [decode(decoder, block), decode(decoder, block)])
          expect(decoded).toEqual(fields.map(([name, value]) => [name, value.replace(/^[ \t]+|[ \t]+$/g, '')]));
      }),
    );
  });

  it('does not let intermediaries keep credentials', () => {
    expect(encodeHeaders([['authorization', 'a']]).toString('hex')).toBe('1f080161');
  });
});
