import { HoldfastError } from '@holdfast/protocol';
import type { SendResponse } from '../grpc-method.ts';

export interface StreamLimits {
  /** How long an event may wait for a client that does not read. */
  readonly slowReaderMs: number;
  /** Bytes of events that wait, over all streams. */
  readonly maxUnsentBytes: number;
}

const DEFAULT_LIMITS: StreamLimits = { slowReaderMs: 30_000, maxUnsentBytes: 64 * 1024 * 1024 };

/** The bytes of events that wait for clients, of all streams. */
export class UnsentBytes {
  readonly limits: StreamLimits;
  #bytes = 0;

  constructor(limits: Partial<StreamLimits>) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  get areTooMany(): boolean {
    return this.#bytes > this.limits.maxUnsentBytes;
  }

  change(bytes: number): void {
    this.#bytes += bytes;
  }
}

/**
 * The events of one stream, one at a time: the next one is sent when the client has taken the last.
 * A client that takes none for a time, or while too many bytes wait, ends its stream.
 */
export class PacedEvents {
  readonly #send: SendResponse;
  readonly #unsent: UnsentBytes;
  #isStuck = false;

  constructor(send: SendResponse, unsent: UnsentBytes) {
    this.#send = send;
    this.#unsent = unsent;
  }

  /** Whether an event waits for a client that did not take it in time. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** Resolves when the client has taken the event. Rejects with `overloaded`. */
  async send(event: Uint8Array): Promise<void> {
    const taken = this.#send(event);
    if (taken === undefined) return;
    const unsent = this.#unsent;
    const { slowReaderMs } = unsent.limits;
    unsent.change(event.length);
    let timer: NodeJS.Timeout | undefined;
    try {
      if (unsent.areTooMany) throw this.#stuck('too many bytes wait for clients that do not read their streams');
      const late = new Promise<never>((_, reject) => {
        const fault = `the client has accepted nothing for ${slowReaderMs / 1_000} s`;
        timer = setTimeout(() => reject(this.#stuck(fault)), slowReaderMs);
      });
      await Promise.race([taken, late]);
    } finally {
      clearTimeout(timer);
      unsent.change(-event.length);
    }
  }

  #stuck(fault: string): HoldfastError {
    this.#isStuck = true;
    return new HoldfastError(
      'overloaded',
      `${fault}; to continue, call again after the last version that was received`,
    );
  }
}
