import type { KeyValueId, Store } from '@holdfast/core/store';
import type { Described } from './describe.ts';

/** No request can name it: see `namespaceFault`. */
const SETTINGS: KeyValueId = { namespace: '$holdfast', category: 'audit-settings', key: 'settings' };

/**
 * The settings that the last entry about settings contains. With them, a node that starts with the
 * same settings as the last one adds no entry, and one with others states what they were before.
 */
export class SettingsRecord {
  readonly #store: Pick<Store, 'kvGet' | 'kvPut'>;

  constructor(store: Pick<Store, 'kvGet' | 'kvPut'>) {
    this.#store = store;
  }

  /**
   * Passes the settings that differ to `changed`, with their values before, and remembers the new
   * ones. Of several nodes that start at once, more than one may report the same change.
   */
  async update(settings: Described, changed: (before: Described | undefined, after: Described) => Promise<void>) {
    const stored = await this.#store.kvGet(SETTINGS);
    const before = stored === undefined ? undefined : (JSON.parse(stored.value) as Described);
    const value = JSON.stringify(settings);
    if (stored?.value === value) return;
    const names = Object.keys({ ...before, ...settings }).filter((name) => !isSame(before?.[name], settings[name]));
    const only = (source: Described): Described =>
      Object.fromEntries(names.flatMap((name) => (name in source ? [[name, source[name]]] : [])));
    if (names.length > 0) await changed(before && only(before), only(settings));
    await this.#store.kvPut(SETTINGS, value, stored?.version ?? 0);
  }
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
