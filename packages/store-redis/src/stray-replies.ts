import type { Redis } from 'ioredis';

/** Members of `ioredis` that its types lack. */
interface Internals {
  readonly commandQueue: { shift: () => unknown };
  flushQueue: (...args: readonly unknown[]) => void;
}

/** Takes the place of a command that was never sent. */
const NO_COMMAND = { command: { name: '', args: [], resolve: () => undefined, reject: () => undefined } };

/**
 * Closes the connection when a reply arrives for which no command waits. `ioredis` describes such a
 * reply by its `toString`, which a null lacks, and that exception would end the process. Call this
 * once, before `connect`.
 */
export function containStrayReplies(client: Redis): void {
  const internals = client as unknown as Internals;
  const flush = internals.flushQueue.bind(client);
  let isFlushing = false;
  internals.flushQueue = (...args) => {
    isFlushing = true;
    try {
      flush(...args);
    } finally {
      isFlushing = false;
    }
  };
  // The client creates a new queue when it is connected.
  client.on('connect', () => {
    const { commandQueue } = internals;
    const shift = commandQueue.shift.bind(commandQueue);
    commandQueue.shift = () => {
      const item = shift();
      if (item !== undefined || isFlushing) return item;
      client.disconnect();
      return NO_COMMAND;
    };
  });
}
