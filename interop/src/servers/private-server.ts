/** A server of our own: on a random free port of the loopback, with its data in a temporary folder. */
export interface PrivateServer {
  /** What a person calls it, with its version when it is known. */
  readonly name: string;
  /** Where clients reach it, a database included where there is such a thing. */
  readonly url: string;
  /** Ends the server, waits until it is gone, and removes its data. */
  stop(): Promise<void>;
}
