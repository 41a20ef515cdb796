import type { Column } from '../output/table.ts';
import { clean } from '../output/text.ts';
import { moment } from '../output/time.ts';

/** An entry of the audit log, as a row of the table. */
export interface AuditRow {
  readonly sequence: number;
  readonly kind: string;
  /** Of a result: the number of the entry before the action. */
  readonly begun: number | undefined;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** Reads an entry; one that cannot be read has the number 0. */
export function auditRow(line: string): AuditRow {
  let entry: Readonly<Record<string, unknown>>;
  try {
    entry = JSON.parse(line) as typeof entry;
  } catch {
    entry = { kind: 'unreadable', line };
  }
  const { sequence, kind, begun } = entry;
  return {
    sequence: typeof sequence === 'number' ? sequence : 0,
    kind: typeof kind === 'string' ? kind : 'unreadable',
    begun: kind === 'result' && typeof begun === 'number' ? begun : undefined,
    entry,
  };
}

const field = ({ entry }: AuditRow, name: string): string => {
  const value = entry[name];
  return typeof value === 'string' ? clean(value) : '';
};

/** The result of an action: unknown if only its beginning is recorded. */
function resultOf(row: AuditRow): string {
  if (row.kind === 'begun') return 'unknown';
  if (row.kind === 'changed') return 'changed';
  return row.kind === 'pruned' ? '' : field(row, 'result');
}

/** What an action was about; of settings the name of a single one, or their number. */
function objectOf({ kind, entry }: AuditRow): string {
  const { on, after } = entry;
  const names = kind === 'changed' && typeof after === 'object' && after !== null ? Object.keys(after) : [];
  return partsOf(on) || (names.length === 1 ? names.join() : names.length > 1 ? `${names.length} settings` : '');
}

/** `key=value` for the parts of an object that are texts or numbers. */
const partsOf = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .filter(([, part]) => typeof part === 'string' || typeof part === 'number')
        .map(([name, part]) => `${name}=${part as string | number}`)
        .join(' ')
    : '';

export const AUDIT_COLUMNS: Column<AuditRow>[] = [
  { title: 'NUMBER', text: ({ sequence }) => String(sequence) },
  { title: 'TIME', text: ({ entry }) => (typeof entry['atMs'] === 'number' ? moment(entry['atMs']) : '') },
  { title: 'PRINCIPAL', text: (row) => field(row, 'principal') },
  { title: 'FROM', text: (row) => field(row, 'from') },
  { title: 'OPERATION', text: (row) => (row.kind === 'pruned' ? 'deletion by age' : field(row, 'operation')) },
  { title: 'RESULT', text: resultOf },
  { title: 'ON', text: (row) => clean(objectOf(row)) },
  { title: 'REASON', text: (row) => field(row, 'reason') },
];
