import { Journal } from './journal.ts';

type Entry = { readonly kind: 'taken' | 'told'; readonly gid: string } | { readonly kind: 'opened' | 'closed' };

/** What the previous run of the shop left behind. */
export interface LeftOver {
  /** Orders whose outcome was never reported. */
  readonly gids: readonly string[];
  /** The shop was not closed properly: its process was killed, or the machine went down. */
  readonly killed: boolean;
}

/** The counter's record of the orders it accepted and of those whose outcome it reported. */
export class OrderBook {
  readonly leftOver: LeftOver;
  readonly #journal: Journal<Entry>;
  #last: Promise<void> = Promise.resolve();

  private constructor(journal: Journal<Entry>, leftOver: LeftOver) {
    this.#journal = journal;
    this.leftOver = leftOver;
  }

  static async open(path: string): Promise<OrderBook> {
    const { journal, entries } = await Journal.open<Entry>(path);
    const book = new OrderBook(journal, leftOverOf(entries));
    await book.#note({ kind: 'opened' });
    return book;
  }

  /** Called before the order is submitted to the coordinator. */
  take(gid: string): Promise<void> {
    return this.#note({ kind: 'taken', gid });
  }

  reported(gid: string): Promise<void> {
    return this.#note({ kind: 'told', gid });
  }

  async close(): Promise<void> {
    await this.#note({ kind: 'closed' });
    await this.#journal.close();
  }

  #note(entry: Entry): Promise<void> {
    this.#last = this.#last.then(() => this.#journal.append(entry));
    return this.#last;
  }
}

function leftOverOf(entries: readonly Entry[]): LeftOver {
  const gids = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === 'taken') gids.add(entry.gid);
    if (entry.kind === 'told') gids.delete(entry.gid);
  }
  const last = entries.findLast((entry) => entry.kind === 'opened' || entry.kind === 'closed');
  return { gids: [...gids], killed: last?.kind === 'opened' };
}
