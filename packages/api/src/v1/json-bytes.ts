import {
  type FieldPath,
  jsonItems,
  jsonItemsInPieces,
  jsonMembers,
  jsonMembersInPieces,
  type JsonSpan,
} from '@holdfast/protocol';
import { invalid } from '../reading/parse.ts';

/** A JSON value with its spelling in the request's body. */
class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * A JSON value as the bytes to send; none for undefined: a branch without a payload is called by
 * GET.
 */
export const bytesOf = (json: unknown): Uint8Array =>
  Buffer.from(json === undefined ? '' : json instanceof JsonText ? json.text : JSON.stringify(json));

/**
 * The payload of a step or branch, given as JSON or as base64.
 *
 * @param path of the step or branch in the request
 * @throws `invalid` if both are given
 */
export function payloadOf(
  { payload, payloadBytes }: { readonly payload?: unknown; readonly payloadBytes?: string | undefined },
  gid: string,
  path: FieldPath,
): Uint8Array {
  if (payloadBytes === undefined) return bytesOf(payload);
  if (payload !== undefined) throw invalid(gid, [...path, 'payloadBytes'], 'the payload is given twice; leave one out');
  return Buffer.from(payloadBytes, 'base64');
}

/** A JSON value that is passed on with its spelling; the caller has checked that `text` is JSON. */
export const passedOn = (text: string): unknown => new JsonText(text);

/** Values that are passed on: `payload` of a body and of its steps, `input` of its workflow. */
const PAYLOAD = 'payload';

/**
 * A body of `/api/v1` in which passed-on values keep their text: parsing and writing numbers loses
 * digits.
 * @param body the result of `JSON.parse(text)`; modified
 */
export function withPayloadTexts(body: unknown, text: string): unknown {
  if (!isObject(body)) return body;
  const members = jsonMembers(text);
  keep(body, PAYLOAD, text, members.get(PAYLOAD));
  const { steps, workflow } = body;
  if (Array.isArray(steps)) {
    const spans = jsonItems(text, members.get('steps')?.start);
    for (const [index, step] of steps.entries())
      if (isObject(step)) keep(step, PAYLOAD, text, jsonMembers(text, spans[index]?.start).get(PAYLOAD));
  }
  if (isObject(workflow)) keep(workflow, 'input', text, jsonMembers(text, members.get('workflow')?.start).get('input'));
  return body;
}

/** `withPayloadTexts` for a long text; yields after each piece. */
export function* payloadTextsInPieces(body: unknown, text: string): Generator<undefined, unknown> {
  if (!isObject(body)) return body;
  const members = yield* jsonMembersInPieces(text);
  keep(body, PAYLOAD, text, members.get(PAYLOAD));
  const { steps, workflow } = body;
  if (Array.isArray(steps)) {
    const spans = yield* jsonItemsInPieces(text, members.get('steps')?.start);
    for (const [index, step] of steps.entries()) {
      const start = spans[index]?.start;
      if (isObject(step)) keep(step, PAYLOAD, text, (yield* jsonMembersInPieces(text, start)).get(PAYLOAD));
      yield;
    }
  }
  if (isObject(workflow)) {
    const parts = yield* jsonMembersInPieces(text, members.get('workflow')?.start);
    keep(workflow, 'input', text, parts.get('input'));
  }
  return body;
}

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function keep(object: JsonObject, name: string, text: string, span: JsonSpan | undefined): void {
  if (span !== undefined) object[name] = new JsonText(text.slice(span.start, span.end));
}
