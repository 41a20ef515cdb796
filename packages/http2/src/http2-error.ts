/** The end of a connection by an error. */
export class Http2Error extends Error {
  override readonly name = 'Http2Error';
  /** The error code of HTTP/2. */
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
