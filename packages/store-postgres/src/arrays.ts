/**
 * Arrays in PostgreSQL's binary form. `pg` would write them as text and escape each element, which
 * the server would parse again.
 *
 * Format: dimensions, whether there are nulls, type of the elements, length, first index; then each
 * element preceded by its length (−1: null).
 */
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/** The OIDs of PostgreSQL's types. */
const TYPES = { bool: 16, int8: 20, int4: 23, text: 25 } as const;

/** A `text[]`. */
export function textArray(values: readonly (string | null)[]): Buffer {
  let bytes = HEADER_BYTES + values.length * LENGTH_BYTES;
  for (const value of values) if (value !== null) bytes += Buffer.byteLength(value);
  const array = begin(TYPES.text, values.length, bytes);
  let at = HEADER_BYTES;
  for (const value of values) {
    if (value === null) {
      at = array.writeInt32BE(NULL_LENGTH, at);
      continue;
    }
    const written = array.write(value, at + LENGTH_BYTES);
    array.writeInt32BE(written, at);
    at += LENGTH_BYTES + written;
  }
  return array;
}

/** An `int8[]` of safe integers. */
export const int8Array = (values: readonly (number | null)[]): Buffer =>
  fixedArray(TYPES.int8, 8, values, (array, value, at) => array.writeBigInt64BE(BigInt(value), at));

/** An `int4[]`. */
export const int4Array = (values: readonly (number | null)[]): Buffer =>
  fixedArray(TYPES.int4, 4, values, (array, value, at) => array.writeInt32BE(value, at));

/** A `bool[]`. */
export const boolArray = (values: readonly boolean[]): Buffer =>
  fixedArray(TYPES.bool, 1, values, (array, value, at) => array.writeUInt8(value ? 1 : 0, at));

function fixedArray<T>(
  type: number,
  width: number,
  values: readonly (T | null)[],
  write: (array: Buffer, value: T, at: number) => void,
): Buffer {
  const nulls = values.reduce((sum, value) => (value === null ? sum + 1 : sum), 0);
  const bytes = HEADER_BYTES + values.length * LENGTH_BYTES + (values.length - nulls) * width;
  const array = begin(type, values.length, bytes);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = array.writeInt32BE(value === null ? NULL_LENGTH : width, at);
    if (value === null) continue;
    write(array, value, at);
    at += width;
  }
  return array;
}

function begin(type: number, length: number, bytes: number): Buffer {
  const array = Buffer.allocUnsafe(bytes);
  array.writeInt32BE(1, 0);
  // Nulls may follow; the server checks each length regardless of this flag.
  array.writeInt32BE(1, 4);
  array.writeInt32BE(type, 8);
  array.writeInt32BE(length, 12);
  array.writeInt32BE(1, 16);
  return array;
}
