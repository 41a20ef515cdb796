/** Statements that go to the server together and are carried out there without anybody being asked in between. */
export interface Call {
  readonly statements: readonly string[];
  /** They are one transaction, which ends with them; what became of it is unknown when the connection is lost meanwhile. */
  readonly changes: boolean;
  /** All of it is undone unless its statement `at` changes so many rows; the server sees to that by itself. */
  readonly provided?: { readonly at: number; readonly changed: number };
}

export type Row = Readonly<Record<string, unknown>>;

/** What a statement answers: rows, or how many it changed. */
export interface Answer {
  readonly rows: readonly Row[];
  readonly changed: number;
  /** What the statement gave to `last_insert_id`; 0 for nothing. */
  readonly told: number;
}

/** With what begins and ends its transaction. */
export function packetOf({ statements, changes, provided }: Call): readonly string[] {
  if (!changes) return statements;
  if (provided === undefined) return ['start transaction', ...statements, 'commit'];
  const { at, changed } = provided;
  return [
    'start transaction',
    ...statements.slice(0, at + 1),
    `set @ending = if(row_count() = ${changed}, 'commit', 'do 0')`,
    ...statements.slice(at + 1),
    ...['prepare ending from @ending', 'execute ending', 'rollback'],
  ];
}

/** The answers of the call's own statements. */
export function ownAnswers({ statements, changes, provided }: Call, answers: readonly Answer[]): readonly Answer[] {
  if (!changes) return answers;
  if (provided === undefined) return answers.slice(1, -1);
  return [...answers.slice(1, provided.at + 2), ...answers.slice(provided.at + 3, statements.length + 2)];
}
