/** Statements that are sent to the server together and executed without a round trip in between. */
export interface Call {
  readonly statements: readonly string[];
  /**
   * Whether the statements form one transaction, whose outcome is unknown if the connection is lost
   * while it runs.
   */
  readonly changes: boolean;
  /**
   * If set, the server rolls everything back, without a round trip, unless statement `at` changes
   * exactly `changed` rows.
   */
  readonly provided?: { readonly at: number; readonly changed: number };
}

export type Row = Readonly<Record<string, unknown>>;

/** The result of a statement: rows, or the number of changed rows. */
export interface StatementResult {
  readonly rows: readonly Row[];
  readonly changed: number;
  /** The value that the statement passed to `last_insert_id`; 0 if none. */
  readonly insertId: number;
}

/** The statements of a call, with those that begin and end its transaction. */
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

/** The results of the call's own statements, without those of `packetOf`. */
export function ownResults(
  { statements, changes, provided }: Call,
  results: readonly StatementResult[],
): readonly StatementResult[] {
  if (!changes) return results;
  if (provided === undefined) return results.slice(1, -1);
  return [...results.slice(1, provided.at + 2), ...results.slice(provided.at + 3, statements.length + 2)];
}
