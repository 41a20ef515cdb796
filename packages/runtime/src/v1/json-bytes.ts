/** A JSON value as the bytes to send; none for undefined: what has no payload is called by GET. */
export const bytesOf = (json: unknown): Uint8Array => Buffer.from(json === undefined ? '' : JSON.stringify(json));
