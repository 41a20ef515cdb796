import type { BarrierDialect, BarrierRow } from '@holdfast/client';

const keyOf = ({ gid, branchId, op, barrierId }: BarrierRow): string => JSON.stringify([gid, branchId, op, barrierId]);

/** Rows and results of a barrier in memory. Its transactions run one after the other. */
export class RowDialect implements BarrierDialect<RowDialect> {
  readonly rows = new Map<string, BarrierRow>();
  readonly results = new Map<string, string>();

  async transaction<T>(body: (tx: RowDialect) => Promise<T>): Promise<T> {
    const before = [new Map(this.rows), new Map(this.results)] as const;
    try {
      return await body(this);
    } catch (thrown) {
      restore(this.rows, before[0]);
      restore(this.results, before[1]);
      throw thrown;
    }
  }

  async insertMissing(_open: RowDialect, rows: readonly BarrierRow[]): Promise<readonly boolean[]> {
    const inserted = rows.map((row) => !this.rows.has(keyOf(row)));
    for (const row of rows) if (!this.rows.has(keyOf(row))) this.rows.set(keyOf(row), row);
    return Promise.resolve(inserted);
  }

  async keepResult(_open: RowDialect, row: BarrierRow, result: string): Promise<void> {
    this.results.set(keyOf(row), result);
    return Promise.resolve();
  }

  async readResult(_open: RowDialect, row: BarrierRow): Promise<string | undefined> {
    return Promise.resolve(this.results.get(keyOf(row)));
  }

  async readReason(_open: RowDialect, row: BarrierRow): Promise<string | undefined> {
    return Promise.resolve(this.rows.get(keyOf(row))?.reason);
  }

  lostAgainstAnother(): boolean {
    return false;
  }

  async purge(): Promise<number> {
    return Promise.resolve(0);
  }

  async ensureSchema(): Promise<void> {
    return Promise.resolve();
  }
}

function restore<T>(map: Map<string, T>, before: ReadonlyMap<string, T>): void {
  map.clear();
  for (const [key, value] of before) map.set(key, value);
}
