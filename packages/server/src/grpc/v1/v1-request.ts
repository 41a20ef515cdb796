import { turns } from '@holdfast/branches/event-loop';
import { checkJsonBounds, invalid, passedOn } from '@holdfast/api';
import { type FieldPath, shown } from '@holdfast/protocol';
import type { DecodedCall, OperationMessages } from '@holdfast/protocol/grpc';
import { isLong, nextTurn, parseInTurns } from '../../http/json-text.ts';
import { decoding } from '../decode-request.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes the request of an operation. Throws `invalid` or `too_large`, naming the field. */
export async function readV1Request(messages: OperationMessages, bytes: Buffer): Promise<DecodedCall> {
  if (isLong(bytes)) await nextTurn();
  const texts: (readonly [text: string, field: FieldPath])[] = [];
  const call = decoding(messages.request.proto.name, () =>
    messages.decodeInput(bytes, (json, field) => {
      const text = textOf(json, field);
      texts.push([text, field]);
      return passedOn(text);
    }),
  );
  if (call.waitMs < 0) throw invalid('', ['waitMs'], `must be a whole number, not ${shown(String(call.waitMs))}`);
  if (isLong(bytes)) await nextTurn();
  for (const [text, field] of texts) {
    if (turns.isSpent) await nextTurn();
    await assertJson(text, field);
  }
  return call;
}

function textOf(bytes: Uint8Array, field: FieldPath): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw invalid('', field, 'is not UTF-8');
  }
}

/** A payload is passed on as it is, but only if it is JSON, as over HTTP. */
async function assertJson(text: string, field: FieldPath): Promise<void> {
  checkJsonBounds(text, field);
  try {
    if (isLong(text)) await parseInTurns(text);
    else JSON.parse(text);
  } catch {
    throw invalid('', field, 'must be a JSON text');
  }
}
