import { StoreError } from '@holdfast/core';
import pg from 'pg';
import { failureOf, isReadOnly, unavailable } from './errors.ts';
import type { Settings } from './options.ts';

/** A statement that each connection prepares once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** Whether it changes anything: what became of it is unknown when the connection is lost meanwhile. */
  readonly changes: boolean;
}

export type Row = Record<string, unknown>;

/** How often a statement is sent that stands in another's way: a deadlock ends one of two, so each time somebody gets on. */
const ATTEMPTS = 10;
/** The server ends a statement in time by itself; this is for one that cannot be reached any more. */
const GRACE_MS = 5_000;

/**
 * One connection, made when it is needed and made anew when it was lost. One statement at a time is under way; others wait in their order, so a driver
 * has a few of these: what is slow on one does not hinder what is urgent on another.
 */
export class Connection {
  readonly #settings: Settings;
  #client: pg.Client | undefined;
  #place: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#place = placeOf(new pg.Client(settings.client));
  }

  /** Host, port and database, for messages. */
  get place(): string {
    return this.#place;
  }

  /** Runs a statement; answers its rows. Throws `StoreError`. */
  query(statement: Statement, values: unknown[]): Promise<Row[]> {
    return this.#next(async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#send(await this.#connected(), statement, values);
        } catch (thrown) {
          if (thrown instanceof StoreError) throw thrown;
          if (failureOf(thrown) !== 'again' || attempt === ATTEMPTS) throw this.#convert(thrown, statement);
        }
      }
    });
  }

  /** Runs a body of statements that belong together; nothing else uses the connection meanwhile. */
  alone<T>(body: (client: pg.Client) => Promise<T>): Promise<T> {
    return this.#next(async () => {
      const client = await this.#connected();
      try {
        return await body(client);
      } catch (thrown) {
        // It may have been left within a transaction.
        this.#drop();
        if (thrown instanceof StoreError) throw thrown;
        throw unavailable(this.#place, 'could not be prepared', thrown);
      }
    });
  }

  close(): Promise<void> {
    return this.#next(async () => {
      const client = this.#client;
      this.#client = undefined;
      await client?.end();
    });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client;
    const client = new pg.Client({ ...this.#settings.client, types });
    const forget = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    // Whoever waits for an answer hears of it there; without a listener Node would end the process.
    client.on('error', forget);
    client.on('end', forget);
    try {
      await client.connect();
      await client.query(sessionSettings(this.#settings));
    } catch (thrown) {
      void client.end().catch(forget);
      throw unavailable(this.#place, 'cannot be used', thrown);
    }
    this.#client = client;
    return client;
  }

  async #send(client: pg.Client, { name, text }: Statement, values: unknown[]): Promise<Row[]> {
    const timer = setTimeout(() => this.#drop(), this.#settings.statementTimeoutMs + GRACE_MS);
    try {
      const { rows } = await client.query<Row>({ name, text, values });
      return rows;
    } finally {
      clearTimeout(timer);
    }
  }

  #convert(thrown: unknown, statement: Statement): StoreError {
    const failure = failureOf(thrown);
    if (failure === 'lost' || isReadOnly(thrown)) this.#drop();
    if (failure === 'unstorable')
      return new StoreError('rejected', `PostgreSQL cannot store it: ${(thrown as Error).message}`, thrown);
    if (failure === 'lost' && statement.changes)
      return new StoreError('outcome_unknown', `PostgreSQL at ${this.#place} was lost meanwhile`, thrown);
    return unavailable(this.#place, failure === 'lost' ? 'was lost' : 'refused a statement', thrown);
  }

  /** Closes the connection at once, even when it does not answer; the next statement makes a new one. */
  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    // With a statement under way, and after an error, `end` does not wait for the server.
    void client?.end().catch(() => undefined);
  }
}

const placeOf = ({ host, port, database }: pg.Client): string => `${host}:${port}/${database ?? ''}`;

const toNumber = (text: string): number => Number(text);

/** Whole numbers of eight bytes are times and versions here: within what a number keeps exactly. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 && format !== 'binary'
      ? toNumber
      : (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
};

/**
 * What holds for each connection. Plans are made once, not for each set of parameters; and all statements are to go by the indexes, in the order of
 * what they were given, whatever the statistics say of a table that was empty a minute ago.
 */
export const sessionSettings = ({ schema, statementTimeoutMs }: Settings): string =>
  [
    `search_path to ${schema}`,
    `statement_timeout to ${statementTimeoutMs}`,
    `idle_in_transaction_session_timeout to ${statementTimeoutMs}`,
    'default_transaction_isolation to "read committed"',
    'plan_cache_mode to force_generic_plan',
    'enable_seqscan to off',
    'enable_hashjoin to off',
    'enable_mergejoin to off',
    'enable_bitmapscan to off',
    'jit to off',
  ]
    .map((setting) => `set ${setting};`)
    .join(' ');
