import { encodeRegistration } from '../codec/entry-codec.ts';
import type { Logger } from '../environment.ts';
import type { EngineObserver } from '../observer.ts';
import type { SessionId, Store, StoredTransaction, WriteItem } from '../store/store.ts';
import { isFinal, logTextOfThrown } from '@holdfast/protocol';
import type { Run } from './run.ts';
import { writeItem } from './write-item.ts';

interface LostWritesDependencies {
  readonly store: Store;
  readonly logger: Logger;
  readonly observer: EngineObserver;
  readonly session: () => SessionId;
  /** The runs of this node. */
  readonly runs: () => readonly Run[];
}

/** Records compared, and written, at once: few, since whole records are read. */
const CHUNK = 32;
/** Transactions reported individually; of the others only the number is reported. */
const REPORTED = 1_000;
/**
 * More entries than a transaction can have registered, so that restored registrations never exceed
 * the bound.
 */
const MAX_ENTRIES = 1_000_000;

type Outcome = 'restored' | 'driven by another session' | 'not restored';

/**
 * Restores what a store has lost, as far as this node has it in memory.
 *
 * LW1 A run that owns its record has the last acknowledged state. A record that is missing, or
 *     older and not owned by another session, is written again with that state: resuming from the
 *     older state would repeat ops and decisions.
 * LW2 The write is conditional on the version that was found, so that another node's decision is
 *     never overwritten.
 * LW3 The write leaves the record owned by this session, which is then ended: the takeover releases
 *     the record as after a crash.
 * LW4 Each affected transaction is reported by its gid, with the outcome.
 */
export class LostWrites {
  readonly #d: LostWritesDependencies;
  #reported = 0;

  constructor(dependencies: LostWritesDependencies) {
    this.#d = dependencies;
  }

  /** Compares all owned records of this node with the store and restores them. Never rejects. */
  async restore(): Promise<void> {
    const held = this.#d.runs().filter(isHeld);
    this.#reported = 0;
    let affected = 0;
    for (let from = 0; from < held.length; from += CHUNK)
      affected += await this.#compare(held.slice(from, from + CHUNK));
    this.#d.observer.storeWentBack(affected);
    this.#d.logger.error({ held: held.length, affected }, 'compared the transactions of this node with the store');
  }

  /** Returns the number of affected transactions. */
  async #compare(runs: readonly Run[]): Promise<number> {
    const { store, logger } = this.#d;
    try {
      const records = await store.get(runs.map(({ key }) => key));
      const lost = runs.flatMap((run, i) => {
        const record = records[i];
        return record === undefined || record.version < run.version ? [{ run, record }] : [];
      });
      const mine = lost.filter(({ record }) => this.#mayRestore(record));
      for (const { run, record } of lost)
        if (!this.#mayRestore(record)) this.#report(run, record, 'driven by another session');
      if (mine.length > 0) await this.#restore(mine);
      return lost.length;
    } catch (error) {
      logger.error(
        { gids: runs.map(({ key }) => key.gid), error: logTextOfThrown(error) },
        'could not be compared with the store',
      );
      return runs.length;
    }
  }

  #mayRestore(record: StoredTransaction | undefined): boolean {
    return record === undefined || record.owner === null || record.owner === this.#d.session();
  }

  async #restore(lost: readonly Lost[]): Promise<void> {
    const { store, session } = this.#d;
    const owner = session();
    const items = lost.flatMap(({ run, record }) =>
      run.transaction === undefined
        ? []
        : [
            writeItem({ version: record?.version ?? 0, group: run.group }, run.transaction, {
              writeId: `restored ${owner} ${run.version}`,
              owner,
              dueInMs: null,
            }),
          ],
    );
    const outcomes = await store.write(items);
    for (const [i, { run, record }] of lost.entries())
      this.#report(run, record, outcomes[i]?.kind === 'applied' ? 'restored' : 'not restored');
    const registrations = lost.flatMap(({ run }, i) => (outcomes[i]?.kind === 'applied' ? registrationsOf(run) : []));
    if (registrations.length > 0) await store.write(registrations);
  }

  #report({ key, version }: Run, record: StoredTransaction | undefined, outcome: Outcome): void {
    if (++this.#reported > REPORTED) return;
    this.#d.logger.error(
      { gid: key.gid, namespace: key.namespace, acknowledged: version, found: record?.version ?? null, outcome },
      'the store has lost acknowledged writes of this transaction',
    );
  }
}

interface Lost {
  readonly run: Run;
  /** Undefined if the record is missing. */
  readonly record: StoredTransaction | undefined;
}

/**
 * Whether the run owns a record that the store has acknowledged and that is unfinished, so that
 * nothing deletes it.
 */
const isHeld = ({ ownership, version, transaction }: Run): boolean =>
  ownership === 'ours' && version > 0 && transaction !== undefined && !isFinal(transaction.state.status);

/**
 * The registered branches, which are entries beside the state. Existing entries are not changed.
 */
function registrationsOf({ key, transaction }: Run): WriteItem[] {
  const entries = (transaction?.registered ?? []).map(encodeRegistration);
  if (entries.length === 0) return [];
  return [{ kind: 'append', key, whenStatus: ['prepared', 'submitted', 'aborting'], entries, maxEntries: MAX_ENTRIES }];
}
