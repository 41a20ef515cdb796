import { encodeHeaders } from '@holdfast/http2';
import { DTM_REQUEST, framedMessage } from '@holdfast/protocol/grpc';
import { encodeMessage } from '@holdfast/protocol/protobuf';
import { PAYLOAD, stepsOf } from '../load/saga.ts';

/** The path of the method that submits a transaction. */
export const SUBMIT_METHOD = '/dtmgimp.Dtm/Submit';
/** Digits of the number at the end of a gid: all requests of a round have the same length. */
const GID_DIGITS = 9;

/** The header block of a call, the same for every saga of a run. */
export const callHeaders = (target: string, method: string): Buffer =>
  encodeHeaders([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', method],
    [':authority', new URL(target).host],
    ['te', 'trailers'],
    ['content-type', 'application/grpc'],
    ['user-agent', 'holdfast-bench'],
  ]);

/**
 * Returns a function that returns the message of the n-th saga of a round. Each is a copy of one
 * message with other digits in its gid, so that the load costs little.
 */
export function submitMessages(branches: string, gidPrefix: string): (n: number) => Buffer {
  const digits = '0'.repeat(GID_DIGITS);
  const template = framedMessage(
    encodeMessage(DTM_REQUEST, {
      Gid: gidPrefix + digits,
      TransType: 'saga',
      TransOptions: { WaitResult: true },
      BinPayloads: [Buffer.from(PAYLOAD), Buffer.from(PAYLOAD)],
      Steps: JSON.stringify(stepsOf(branches)),
    }),
  );
  const end = template.indexOf(gidPrefix + digits) + gidPrefix.length + GID_DIGITS;
  return (n) => {
    const message = Buffer.allocUnsafe(template.length);
    template.copy(message);
    let rest = n;
    for (let at = end - 1; rest > 0; at--) {
      message[at] = 0x30 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    return message;
  };
}
