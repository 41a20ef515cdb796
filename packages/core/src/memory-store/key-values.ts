import type { KeyValue, KeyValueId, KeyValueQuery, Page } from '../store/store.ts';
import { decodeKeyCursor } from '../store/cursor.ts';
import { keyValuePage } from '../store-kit/pages.ts';
import { Room } from '../store-kit/room.ts';

/** The versioned key-values of a memory store. */
export class MemoryKeyValues {
  /** By namespace and category (neither contains a NUL), then by key. */
  readonly #categories = new Map<string, Map<string, KeyValue>>();

  get(id: KeyValueId): KeyValue | undefined {
    return this.#category(id).get(id.key);
  }

  put(id: KeyValueId, value: string, expectVersion: number, nowMs: number): 'applied' | 'conflict' {
    const stored = this.get(id);
    if ((stored?.version ?? 0) !== expectVersion) return 'conflict';
    const { namespace, category, key } = id;
    const createdAtMs = stored?.createdAtMs ?? nowMs;
    const version = expectVersion + 1;
    this.#category(id).set(key, { namespace, category, key, value, version, createdAtMs, updatedAtMs: nowMs });
    return 'applied';
  }

  delete(id: KeyValueId, expectVersion: number): 'applied' | 'conflict' | 'missing' {
    const stored = this.get(id);
    if (stored === undefined) return 'missing';
    if (stored.version !== expectVersion) return 'conflict';
    this.#category(id).delete(id.key);
    return 'applied';
  }

  scan(query: KeyValueQuery): Page<KeyValue> {
    const after = query.cursor === undefined ? undefined : decodeKeyCursor(query.cursor);
    const rest = [...this.#category(query).values()]
      .filter((item) => after === undefined || item.key > after)
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
    const room = new Room(query.limit, query.maxBytes);
    const beyond = rest.findIndex(({ value }) => !room.take(Buffer.byteLength(value)));
    const items = beyond < 0 ? rest : rest.slice(0, beyond);
    return keyValuePage(items, rest.length > items.length);
  }

  #category(id: { readonly namespace: string; readonly category: string }): Map<string, KeyValue> {
    const name = `${id.namespace}\0${id.category}`;
    const known = this.#categories.get(name);
    if (known !== undefined) return known;
    const category = new Map<string, KeyValue>();
    this.#categories.set(name, category);
    return category;
  }
}
