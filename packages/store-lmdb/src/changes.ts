import { ByteWriter } from './bytes.ts';

/** What one durable write puts and removes; keys and values lie in one reused buffer. */
export class Changes {
  readonly writer = new ByteWriter(256 * 1024);
  readonly keys: Uint8Array[] = [];
  /** Undefined: the key is removed. */
  readonly values: (Uint8Array | undefined)[] = [];

  /** Puts what the writer got since `valueStart`. */
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
