import { type HoldfastError, logTextOfThrown } from '@holdfast/protocol';
import type { Logger } from '../environment.ts';
import type { Transaction } from '../patterns/model.ts';
import type { Reply } from './delivery.ts';

/**
 * Resolves or rejects the replies of callers. A callback that throws is logged and affects nothing
 * else.
 *
 * E4  Every reply is resolved exactly once.
 */
export class Replies {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  done(reply: Reply | undefined, transaction: Transaction): void {
    try {
      reply?.done(transaction);
    } catch (error) {
      this.#thrown(error, transaction.key.gid);
    }
  }

  failed(reply: Reply | undefined, error: HoldfastError): void {
    try {
      reply?.failed(error);
    } catch (thrown) {
      this.#thrown(thrown, error.gid);
    }
  }

  #thrown(error: unknown, gid: string | undefined): void {
    this.#logger.error({ gid, error: logTextOfThrown(error) }, 'the callback of a caller threw an error');
  }
}
