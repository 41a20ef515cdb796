import type { Field } from './field.ts';

/** The fields that the other side has added last, bounded in bytes (RFC 7541, 2.3.2). */
export class DynamicTable {
  #maxBytes: number;
  #bytes = 0;
  /** A ring; its length is a power of two. */
  #fields: (Field | undefined)[] = [undefined, undefined, undefined, undefined];
  /** The position of the oldest field. */
  #first = 0;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** The field at a position; the newest is at 0. */
  at(position: number): Field | undefined {
    if (position >= this.#length) return undefined;
    return this.#fields[(this.#first + this.#length - 1 - position) & (this.#fields.length - 1)];
  }

  /** Adds a field; one that is larger than the table empties it. */
  add(field: Field): void {
    this.#evict(this.#maxBytes - field.bytes);
    if (field.bytes > this.#maxBytes) return;
    if (this.#length === this.#fields.length) this.#grow();
    this.#fields[(this.#first + this.#length) & (this.#fields.length - 1)] = field;
    this.#length++;
    this.#bytes += field.bytes;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evict(maxBytes);
  }

  #evict(bytes: number): void {
    while (this.#length > 0 && this.#bytes > bytes) {
      this.#bytes -= this.#fields[this.#first]?.bytes ?? 0;
      this.#fields[this.#first] = undefined;
      this.#first = (this.#first + 1) & (this.#fields.length - 1);
      this.#length--;
    }
  }

  #grow(): void {
    const inOrder = [...this.#fields.slice(this.#first), ...this.#fields.slice(0, this.#first)];
    this.#fields = [...inOrder, ...inOrder.map(() => undefined)];
    this.#first = 0;
  }
}
