import { StoreError } from '@holdfast/core';
import pg from 'pg';
import { failureOf, isReadOnly, textOf, unavailable } from './errors.ts';
import type { Settings } from './options.ts';
import { checkSession, SESSION_STATE, sessionSettings } from './session-settings.ts';

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

/**
 * One connection, made when it is needed and made anew when it was lost. One statement at a time is under way; others wait in their order, so a driver
 * has a few of these: what is slow on one does not hinder what is urgent on another.
 */
export class Connection {
  readonly #settings: Settings;
  #client: pg.Client | undefined;
  readonly #place: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#place = settings.clients.map((config) => placeOf(new pg.Client(config))).join(', ');
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
    const reasons: unknown[] = [];
    for (const config of this.#settings.clients)
      try {
        return (this.#client = await this.#connect(config));
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

  async #connect(config: pg.ClientConfig): Promise<pg.Client> {
    const client = new pg.Client({ ...config, types });
    const forget = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    // Pending queries reject with this error; without a listener, Node would terminate the process.
    client.on('error', forget);
    client.on('end', forget);
    let timer: NodeJS.Timeout | undefined;
    try {
      await client.connect();
      // A server that hangs now must not keep this connection's statements waiting for ever.
      timer = setTimeout(() => void client.end().catch(forget), this.#deadlineMs);
      const results: unknown = await client.query(sessionSettings(this.#settings) + SESSION_STATE);
      checkSession((results as readonly pg.QueryResult<Row>[]).at(-1)?.rows[0], placeOf(client));
      return client;
    } catch (thrown) {
      void client.end().catch(forget);
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  get #deadlineMs(): number {
    return this.#settings.statementTimeoutMs + this.#settings.graceMs;
  }

  async #send(client: pg.Client, { name, text }: Statement, values: unknown[]): Promise<Row[]> {
    const timer = setTimeout(() => this.#drop(), this.#deadlineMs);
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

const textOfAll = (reasons: readonly unknown[]): string => reasons.map(textOf).join('; ');

const toNumber = (text: string): number => Number(text);

/** Whole numbers of eight bytes are times and versions here: within what a number keeps exactly. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 && format !== 'binary'
      ? toNumber
      : (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
};
