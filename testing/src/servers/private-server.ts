/** A private server: on a random free port of the loopback, with its data in a temporary folder. */
export interface PrivateServer {
  /** Display name. */
  readonly name: string;
  /** URL for clients, including the database if there are several. */
  readonly url: string;
  /** Stops the server, waits until it has ended, and removes its data. */
  stop(): Promise<void>;
}

/**
 * A database server that can also be killed and started again on the same port with the same data.
 */
export interface DatabaseServer extends PrivateServer {
  /** The folder with its data. */
  readonly folder: string;
  /** Sends a signal, by default SIGKILL, and waits until the server has ended; the data is kept. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts the server again after `kill`, and waits until it responds. */
  start(): Promise<void>;
}
