import { StoreError } from '@holdfast/core/store';
import { CLOSE_MS, Lane, within } from '@holdfast/core/store-kit';
import pg from 'pg';
import { failureOf, isReadOnly, sqlState, textOf, unavailable } from './errors.ts';
import type { Settings } from './options.ts';
import { checkSession, SESSION_STATE, sessionSettings } from './session-settings.ts';
import { settingThatEnded, type StartSetting, withStartSettings } from './start-settings.ts';
import { containExceptions, destroy } from './wire.ts';

/** A statement that each connection prepares once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /**
   * Whether the statement changes anything, so that its outcome is unknown if the connection is
   * lost while it runs.
   */
  readonly changes: boolean;
}

export type Row = Record<string, unknown>;

/**
 * Number of times a conflicting statement is sent. A deadlock aborts one of two statements, so that
 * the other one proceeds each time.
 */
const ATTEMPTS = 10;

/**
 * One connection, opened when needed and reopened after it was lost. One statement is in flight at
 * a time; others wait in order. A store driver therefore has several connections, so that slow
 * statements on one do not delay urgent ones on another.
 */
export class Connection {
  readonly #settings: Settings;
  #client: pg.Client | undefined;
  /** Sent in the first packet of a connection. */
  #startSettings: readonly StartSetting[] = [];
  readonly #place: string;
  readonly #lane = new Lane();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#place = settings.clients.map((config) => placeOf(new pg.Client(config))).join(', ');
  }

  /** Host, port and database, for messages. */
  get place(): string {
    return this.#place;
  }

  /** Runs a statement; returns its rows. Throws `StoreError`. */
  query(statement: Statement, values: unknown[]): Promise<Row[]> {
    return this.#lane.next(async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          const { name, text } = statement;
          const { rows } = await (await this.#connected()).query<Row>({ name, text, values });
          return rows;
        } catch (thrown) {
          if (thrown instanceof StoreError) throw thrown;
          const failure = failureOf(thrown);
          if (failure === 'outdated') this.#drop();
          if ((failure !== 'again' && failure !== 'outdated') || attempt === ATTEMPTS)
            throw this.#convert(thrown, statement);
        }
      }
    });
  }

  /** Runs statements that belong together; the connection runs nothing else in between. */
  alone<T>(body: (client: pg.Client) => Promise<T>): Promise<T> {
    return this.#lane.next(async () => {
      const client = await this.#connected();
      try {
        return await body(client);
      } catch (thrown) {
        // The connection may still be within a transaction.
        this.#drop();
        if (thrown instanceof StoreError) throw thrown;
        throw unavailable(this.#place, 'could not be prepared', thrown);
      }
    });
  }

  /** Closes the connection; statements in flight or waiting fail. Takes at most `CLOSE_MS`. */
  async close(): Promise<void> {
    this.#lane.close();
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    await within(CLOSE_MS, client.end());
    destroy(client);
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client;
    const reasons: unknown[] = [];
    for (const config of this.#settings.clients)
      try {
        return (this.#client = await this.#connectInSpiteOfSettings(config));
      } catch (thrown) {
        reasons.push(thrown);
      }
    const [only] = reasons;
    if (reasons.length === 1 && only instanceof StoreError) throw only;
    throw unavailable(
      this.#place,
      'cannot be used',
      reasons.length === 1 ? only : new AggregateError(reasons, textOfAll(reasons)),
    );
  }

  /** Connects; again, if a setting ended the connection that the first packet can replace. */
  async #connectInSpiteOfSettings(config: pg.ClientConfig): Promise<pg.Client> {
    const failures: unknown[] = [];
    for (let settings = this.#startSettings; ;)
      try {
        const client = await this.#connect(withStartSettings(config, settings, this.#settings));
        this.#startSettings = settings;
        return client;
      } catch (thrown) {
        this.#startSettings = [];
        failures.push(thrown);
        const setting = settingThatEnded(thrown);
        // A pooler that rejects the settings does not name the cause; the first error does.
        if (setting === undefined || settings.includes(setting)) throw failures[0];
        settings = [...settings, setting];
      }
  }

  async #connect(config: pg.ClientConfig): Promise<pg.Client> {
    const { statementTimeoutMs, graceMs, tls } = this.#settings;
    const ssl = tls === undefined ? {} : { ssl: await tls.ssl() };
    // The server ends a statement in time; this timeout is for a server that does not respond.
    const client = new pg.Client({ ...config, ...ssl, types, query_timeout: statementTimeoutMs + graceMs });
    containExceptions(client);
    const { closings } = this.#lane;
    let ended: unknown;
    const forget = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    // Pending queries reject with this error; without a listener, Node would terminate the process.
    client.on('error', (error) => {
      ended ??= error;
      forget();
    });
    client.on('end', forget);
    const timer = setTimeout(() => destroy(client), config.connectionTimeoutMillis ?? statementTimeoutMs);
    try {
      await client.connect();
      const results: unknown = await client.query(sessionSettings(this.#settings) + SESSION_STATE);
      checkSession((results as readonly pg.QueryResult<Row>[]).at(-1)?.rows[0], placeOf(client));
      if (closings !== this.#lane.closings) throw new StoreError('closed', 'the store was closed');
      return client;
    } catch (thrown) {
      destroy(client);
      // An error sent while no statement was in flight explains why the next statement failed.
      throw sqlState(ended) === undefined ? thrown : ended;
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
      return new StoreError('outcome_unknown', `PostgreSQL at ${this.#place} was lost during the write`, thrown);
    return unavailable(this.#place, failure === 'lost' ? 'was lost' : 'rejected a statement', thrown);
  }

  /** Closes the connection at once; the next statement opens a new one. */
  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) destroy(client);
  }
}

const placeOf = ({ host, port, database }: pg.Client): string => `${host}:${port}/${database ?? ''}`;

const textOfAll = (reasons: readonly unknown[]): string => reasons.map(textOf).join('; ');

const toNumber = (text: string): number => Number(text);

/** Eight-byte integers are times and versions here, which a number represents exactly. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 && format !== 'binary'
      ? toNumber
      : (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
};
