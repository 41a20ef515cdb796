import { StoreError } from '@holdfast/core/store';
import { CLOSE_MS, Lane, within } from '@holdfast/core/store-kit';
import { type Connection as Client, createConnection, type QueryError, type ResultSetHeader } from 'mysql2';
import { type StatementResult, type Call, ownResults, packetOf, type Row } from './call.ts';
import { endsConnection, failureOf, textOf, unavailable } from './errors.ts';
import type { Settings } from './options.ts';
import { checkSession, SESSION } from './session-settings.ts';
import { containExceptions, destroy } from './wire.ts';

/**
 * Number of times a conflicting call is sent. A deadlock aborts one of two calls, so that the other
 * one proceeds each time.
 */
const ATTEMPTS = 10;
/** Bytes of a packet in addition to the text of its statements. */
const PACKET_MARGIN_BYTES = 1_024;

/**
 * One connection, opened when needed and reopened after it was lost. One call is in flight at a
 * time; others wait in order. A store driver therefore has several connections, so that slow calls
 * on one do not delay urgent ones on another.
 *
 * A transaction never outlasts a call, so that a node stopped between calls leaves nothing locked.
 */
export class Connection {
  readonly #settings: Settings;
  #client: Client | undefined;
  #packetBytes = Infinity;
  readonly #lane = new Lane();
  /** Fails the call in flight. */
  #reject: ((error: Error) => void) | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /**
   * Makes the call; resolves to the results of its statements, without those that begin and end its
   * transaction. Throws `StoreError`.
   */
  call(call: Call): Promise<readonly StatementResult[]> {
    return this.#lane.next(async () => {
      const { changes } = call;
      const whole = packetOf(call);
      const bytes = whole.reduce((sum, { length }) => sum + length, whole.length + PACKET_MARGIN_BYTES);
      for (let attempt = 1; ; attempt++) {
        const client = await this.#connected();
        if (bytes > this.#packetBytes)
          throw new StoreError(
            'rejected',
            `${bytes} bytes in one call; the database takes ${this.#packetBytes} (max_allowed_packet)`,
          );
        try {
          const results = await this.#send(client, whole);
          return ownResults(call, results);
        } catch (thrown) {
          await this.#rollBack(client, thrown, changes);
          if (failureOf(thrown) !== 'again' || attempt === ATTEMPTS) throw this.#convert(thrown, changes);
        }
      }
    });
  }

  /** Runs statements that belong together; the connection runs nothing else in between. */
  alone<T>(
    body: (run: (...statements: readonly string[]) => Promise<readonly StatementResult[]>) => Promise<T>,
  ): Promise<T> {
    return this.#lane.next(async () => {
      const client = await this.#connected();
      try {
        return await body((...statements) => this.#send(client, statements));
      } catch (thrown) {
        this.#drop();
        if (thrown instanceof StoreError) throw thrown;
        throw unavailable(this.#settings.place, 'could not be prepared', thrown);
      }
    });
  }

  /** Bytes that the server accepts in one packet; known once the connection was used. */
  get packetBytes(): number {
    return this.#packetBytes;
  }

  /** Closes the connection; calls in flight or waiting fail. Takes at most `CLOSE_MS`. */
  async close(): Promise<void> {
    this.#lane.close();
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    // With a call in flight, the client would wait for its response before it closes the
    // connection.
    if (this.#reject === undefined) await within(CLOSE_MS, new Promise<void>((resolve) => client.end(() => resolve())));
    this.#abandon(client, 'the store was closed');
  }

  async #connected(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    const { closings } = this.#lane;
    const tls = await this.#settings.tls?.options();
    const client = createConnection({ ...this.#settings.client, ...tls });
    const forget = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    // Pending calls reject with this error; without a listener, Node would terminate the process.
    client.on('error', forget);
    client.on('end', forget);
    containExceptions(client, (thrown) =>
      this.#abandon(client, `a response is not of the protocol: ${textOf(thrown)}`),
    );
    // The client limits only the time of its handshake.
    const timer = setTimeout(
      () => this.#abandon(client, 'the connection was not ready in time'),
      this.#settings.client.connectTimeout,
    );
    try {
      await new Promise<void>((resolve, reject) => {
        // The client does not call back if its handshake is cut short or the client is destroyed.
        this.#reject = reject;
        client.on('error', reject);
        client.on('end', () => reject(new Error('the server closed the connection')));
        client.connect((error: QueryError | null) => (error === null ? resolve() : reject(error)));
      });
      const results = await this.#send(client, SESSION);
      this.#packetBytes = checkSession(results.at(-1)?.rows[0]);
      if (closings !== this.#lane.closings) throw new Error('the store was closed');
    } catch (thrown) {
      destroy(client);
      throw unavailable(this.#settings.place, 'cannot be used', thrown);
    } finally {
      clearTimeout(timer);
      this.#reject = undefined;
    }
    this.#client = client;
    return client;
  }

  async #send(client: Client, statements: readonly string[]): Promise<readonly StatementResult[]> {
    let abandon: NodeJS.Timeout | undefined;
    try {
      const results = await new Promise<unknown>((resolve, reject) => {
        this.#reject = reject;
        const { statementTimeoutMs } = this.#settings;
        abandon = setTimeout(
          () => this.#abandon(client, `no response within ${statementTimeoutMs} ms`),
          statementTimeoutMs,
        );
        // The callback does nothing that can throw: an exception in it would terminate the process.
        client.query(statements.join(';\n'), (error, found) => (error === null ? resolve(found) : reject(error)));
      });
      // One statement has one result, several have a list of results.
      return (statements.length === 1 ? [results] : (results as unknown[])).map(resultOf);
    } finally {
      clearTimeout(abandon);
      this.#reject = undefined;
    }
  }

  /** After an error the transaction is still open, unless the connection is lost. */
  async #rollBack(client: Client, thrown: unknown, changes: boolean): Promise<void> {
    if (endsConnection(thrown)) return this.#drop(client);
    if (!changes) return;
    try {
      await this.#send(client, ['rollback']);
    } catch {
      this.#drop(client);
    }
  }

  #convert(thrown: unknown, changes: boolean): StoreError {
    const { place } = this.#settings;
    const failure = failureOf(thrown);
    if (failure === 'unstorable')
      return new StoreError('rejected', `the database cannot store it: ${(thrown as Error).message}`, thrown);
    if (failure === 'lost' && changes)
      return new StoreError('outcome_unknown', `the database at ${place} was lost during the write`, thrown);
    return unavailable(place, failure === 'lost' ? 'was lost' : 'rejected a statement', thrown);
  }

  /**
   * Closes a connection at once and fails the call in flight, for which the client would never call
   * back.
   */
  #abandon(client: Client, why: string): void {
    this.#drop(client);
    this.#reject?.(new Error(why));
  }

  /** Closes the connection at once; the next call opens a new one. */
  #drop(client = this.#client): void {
    if (this.#client === client) this.#client = undefined;
    if (client !== undefined) destroy(client);
  }
}

function resultOf(result: unknown): StatementResult {
  if (Array.isArray(result)) return { rows: result as Row[], changed: 0, insertId: 0 };
  const { affectedRows, insertId } = result as ResultSetHeader;
  return { rows: [], changed: affectedRows, insertId };
}
