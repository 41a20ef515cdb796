/** A server of our own: on a random free port of the loopback, with its data in a temporary folder. */
export interface PrivateServer {
  /** What a person calls it. */
  readonly name: string;
  /** Where clients reach it, a database included where there is such a thing. */
  readonly url: string;
  /** Ends the server, waits until it is gone, and removes its data. */
  stop(): Promise<void>;
}

/** A database, which may also be killed and started again on the same port with the same data. */
export interface DatabaseServer extends PrivateServer {
  /** The folder with its data. */
  readonly folder: string;
  /** SIGKILL; its data stay. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, and waits until it answers. */
  start(): Promise<void>;
}
