import { jsonMembers, jsonMembersInPieces, type JsonSpan } from '@holdfast/protocol';
import { inTurns, isLong } from './json-text.ts';

/** A request and its position in the body. */
export interface Placed {
  readonly request: unknown;
  readonly body: string;
  readonly start: number;
}

/**
 * The ID as JSON text. A number keeps its spelling, since parsing and writing it could change it.
 * Undefined: the request has no valid ID.
 */
export function idTextOf({ request, body, start }: Placed): string | undefined | Promise<string | undefined> {
  const id = typeof request === 'object' && request !== null && 'id' in request ? request.id : undefined;
  if (typeof id === 'string' || id === null) return JSON.stringify(id);
  if (typeof id !== 'number') return undefined;
  if (isLong(body)) return inTurns(jsonMembersInPieces(body, start)).then((members) => memberText(body, members));
  return memberText(body, jsonMembers(body, start));
}

function memberText(body: string, members: ReadonlyMap<string, JsonSpan>): string | undefined {
  const span = members.get('id');
  return span === undefined ? undefined : body.slice(span.start, span.end);
}
