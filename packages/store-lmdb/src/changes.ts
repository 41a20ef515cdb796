import { ByteWriter } from './bytes.ts';

/** The keys that one durable write puts and removes. Keys and values are in one reused buffer. */
export class Changes {
  readonly writer = new ByteWriter(256 * 1024);
  readonly keys: Uint8Array[] = [];
  /** Undefined if the key is removed. */
  readonly values: (Uint8Array | undefined)[] = [];

  /** Puts the bytes written since `valueStart` as the value of `key`. */
  put(key: Uint8Array, valueStart: number): void {
    this.keys.push(key);
    this.values.push(this.writer.since(valueStart));
  }

  remove(key: Uint8Array): void {
    this.keys.push(key);
    this.values.push(undefined);
  }

  clear(): void {
    this.keys.length = 0;
    this.values.length = 0;
    this.writer.reset();
  }
}
