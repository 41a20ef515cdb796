import type { ProtoMessage } from '../../protobuf/schema.ts';

/**
 * How a JSON value of `/api/v1` appears in a message of `holdfast.v1`:
 *
 *     text     string
 *     flag     bool
 *     number   int64
 *     bytes    bytes, base64 in JSON
 *     json     bytes that are a JSON text: a value of the user
 *     texts    map<string, string>
 *     message  message
 *     list     repeated
 */
export type ValueShape =
  | { readonly kind: 'text' | 'flag' | 'number' | 'bytes' | 'json' | 'texts' }
  | { readonly kind: 'message'; readonly message: MessageShape }
  | { readonly kind: 'list'; readonly of: ElementShape; /** Elements that are read. */ readonly most: number };

/** What lists may contain. */
export type ElementShape = Extract<ValueShape, { kind: 'message' }> | { readonly kind: 'text' | 'number' };

export interface FieldShape {
  /** In JSON. */
  readonly name: string;
  /** In the message. */
  readonly protoName: string;
  readonly value: ValueShape;
  /** What an absent field is in JSON: a default value, null, or absent as well. */
  readonly absent: 'default' | 'null' | 'omitted';
  /**
   * Whether a list is the field `items` of a separate message, which can be absent: an absent list
   * differs from an empty one.
   */
  readonly isWrapped: boolean;
  /** The texts that are allowed; empty: any. */
  readonly choices: readonly string[];
}

export interface MessageShape {
  readonly proto: ProtoMessage;
  readonly fields: readonly FieldShape[];
}

/** The name of a field in a message: `timeoutToFailMs` → `timeout_to_fail_ms`. */
export const protoNameOf = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The name of a message or method: `createTransaction` → `CreateTransaction`. */
export const typeNameOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
