import { StoreError } from '@holdfast/core';
import { type Connection as Client, createConnection, type QueryError, type ResultSetHeader } from 'mysql2';
import { type Answer, type Call, ownAnswers, packetOf, type Row } from './call.ts';
import { endsConnection, failureOf, textOf, unavailable } from './errors.ts';
import type { Settings } from './options.ts';
import { checkSession, SESSION } from './session-settings.ts';
import { containExceptions, destroy } from './wire.ts';
import { CLOSE_MS, within } from './within.ts';

/** How often a call is sent that stands in another's way: a deadlock ends one of two, so each time somebody gets on. */
const ATTEMPTS = 10;
/** What a packet holds beside the text of its statements. */
const PACKET_MARGIN_BYTES = 1_024;

/**
 * One connection, made when it is needed and made anew when it was lost. One call at a time is under way; others wait in their order, so a driver
 * has a few of these: what is slow on one does not hinder what is urgent on another.
 *
 * A transaction never outlasts a call: a node that is stopped in between leaves nothing locked.
 */
export class Connection {
  readonly #settings: Settings;
  #client: Client | undefined;
  #packetBytes = Infinity;
  #last: Promise<unknown> = Promise.resolve();
  /** Grows with each close: a call from before is not sent any more. */
  #closings = 0;
  /** Fails the call that was sent and not answered yet. */
  #reject: ((error: Error) => void) | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Makes the call; answers what each of its statements does (those that begin and end its transaction left out). Throws `StoreError`. */
  call(call: Call): Promise<readonly Answer[]> {
    return this.#next(async () => {
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
          const answers = await this.#send(client, whole);
          return ownAnswers(call, answers);
        } catch (thrown) {
          await this.#rollBack(client, thrown, changes);
          if (failureOf(thrown) !== 'again' || attempt === ATTEMPTS) throw this.#convert(thrown, changes);
        }
      }
    });
  }

  /** Runs a body of statements that belong together; nothing else uses the connection meanwhile. */
  alone<T>(body: (run: (...statements: readonly string[]) => Promise<readonly Answer[]>) => Promise<T>): Promise<T> {
    return this.#next(async () => {
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

  /** What the server takes in one packet; known when the connection was used. */
  get packetBytes(): number {
    return this.#packetBytes;
  }

  /** Ends the connection; calls that were sent or wait fail. Takes no longer than `CLOSE_MS`. */
  async close(): Promise<void> {
    this.#closings++;
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    // Behind a call that was sent, the client would wait for its response before it says goodbye.
    if (this.#reject === undefined) await within(CLOSE_MS, new Promise<void>((resolve) => client.end(() => resolve())));
    this.#abandon(client, 'the store was closed');
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const closings = this.#closings;
    const result = this.#last.then(() => {
      if (closings === this.#closings) return work();
      throw new StoreError('closed', 'the store was closed');
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #connected(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    const client = createConnection(this.#settings.client);
    const forget = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    // Whoever waits for an answer hears of it there; without a listener Node would end the process.
    client.on('error', forget);
    client.on('end', forget);
    containExceptions(client, (thrown) =>
      this.#abandon(client, `a response is not of the protocol: ${textOf(thrown)}`),
    );
    const closings = this.#closings;
    // The client itself bounds only its handshake.
    const timer = setTimeout(
      () => this.#abandon(client, 'the connection was not ready in time'),
      this.#settings.client.connectTimeout,
    );
    try {
      await new Promise<void>((resolve, reject) => {
        // The client does not call back when its handshake ends early or it is destroyed.
        this.#reject = reject;
        client.on('error', reject);
        client.on('end', () => reject(new Error('the server closed the connection')));
        client.connect((error: QueryError | null) => (error === null ? resolve() : reject(error)));
      });
      const answers = await this.#send(client, SESSION);
      this.#packetBytes = checkSession(answers.at(-1)?.rows[0]);
      if (closings !== this.#closings) throw new Error('the store was closed');
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

  async #send(client: Client, statements: readonly string[]): Promise<readonly Answer[]> {
    let giveUp: NodeJS.Timeout | undefined;
    try {
      const results = await new Promise<unknown>((resolve, reject) => {
        this.#reject = reject;
        const { statementTimeoutMs } = this.#settings;
        giveUp = setTimeout(
          () => this.#abandon(client, `no response within ${statementTimeoutMs} ms`),
          statementTimeoutMs,
        );
        // The callback does nothing that can throw: an exception in it would end the process.
        client.query(statements.join(';\n'), (error, found) => (error === null ? resolve(found) : reject(error)));
      });
      // One statement has one result, several have a list of theirs.
      return (statements.length === 1 ? [results] : (results as unknown[])).map(answerOf);
    } finally {
      clearTimeout(giveUp);
      this.#reject = undefined;
    }
  }

  /** After an error the transaction is still open, unless the connection is gone. */
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
      return new StoreError('outcome_unknown', `the database at ${place} was lost meanwhile`, thrown);
    return unavailable(place, failure === 'lost' ? 'was lost' : 'refused a statement', thrown);
  }

  /**
   * Closes a connection at once, and fails what was sent over it: the client would never call back.
   */
  #abandon(client: Client, why: string): void {
    this.#drop(client);
    this.#reject?.(new Error(why));
  }

  /** Closes the connection at once; the next call makes a new one. */
  #drop(client = this.#client): void {
    if (this.#client === client) this.#client = undefined;
    if (client !== undefined) destroy(client);
  }
}

function answerOf(result: unknown): Answer {
  if (Array.isArray(result)) return { rows: result as Row[], changed: 0, told: 0 };
  const { affectedRows, insertId } = result as ResultSetHeader;
  return { rows: [], changed: affectedRows, told: insertId };
}
