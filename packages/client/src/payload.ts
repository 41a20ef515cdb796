import { types } from 'node:util';
import { assertJson } from './json-value.ts';

/** A payload that is sent as it is, such as an encoded protobuf message; any other one is JSON. */
export const isBytes = (payload: unknown): payload is Uint8Array => types.isUint8Array(payload);

/**
 * Checks a payload before it is sent anywhere.
 *
 * @param path how the error names the payload
 * @param urls of the branches that receive the payload
 * @throws {TypeError} it is neither JSON nor bytes, or bytes for a function of this process
 */
export function assertPayload(path: string, payload: unknown, urls: readonly string[]): void {
  if (!isBytes(payload)) return assertJson(path, payload);
  const local = urls.find((url) => url.startsWith('local://'));
  if (local !== undefined)
    throw new TypeError(
      `${path}: bytes are sent to branches over gRPC or HTTP; ${local} is a function, which takes JSON`,
    );
}

/** The payload in a request of the coordinator's API; undefined: there is none. */
export function wirePayload(payload: unknown): { readonly payload?: unknown; readonly payloadBytes?: string } {
  if (payload === undefined) return {};
  return isBytes(payload) ? { payloadBytes: asBuffer(payload).toString('base64') } : { payload };
}

/** The payload as a branch receives it; empty: there is none. */
export function payloadBytesOf(payload: unknown): Buffer {
  if (isBytes(payload)) return asBuffer(payload);
  return Buffer.from(payload === undefined ? '' : JSON.stringify(payload));
}

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
