import { z } from 'zod';
import type { Role } from '../principal.ts';

/**
 * What interceptors need to know about one call, on any wire: access control, audit, deadlines. A
 * call receives its response at the caller's deadline at the latest.
 */
export interface CallDescriptor {
  /** A query changes nothing; an operator action interferes with the work of another caller. */
  readonly kind: 'query' | 'command' | 'operator';
  /**
   * The least powerful role that may call it: a `viewer` reads, without payloads and results of
   * steps; a `submitter` starts transactions and executes their first phase; an `operator`
   * interferes with transactions of other callers.
   */
  readonly role: Role;
  /** The role that a particular input needs, if it differs from `role`. */
  readonly roleOf?: (input: { readonly body?: unknown }) => Role;
  /** Whether each call is an entry of the audit log. */
  readonly audited: boolean;
  /** False for an input of an audited call that is not an entry. */
  readonly auditedOf?: (input: { readonly body?: unknown }) => boolean;
  /**
   * Whether the caller may wait: the response is sent when the transaction is finished (dtm: after
   * a full pass), or after that time with its current state. Other calls are responded to as soon
   * as they are done.
   */
  readonly waits?: true;
}

/**
 * The definition of one operation of `/api/v1`. The routes, the in-process API, the client's stubs,
 * the OpenAPI document and the interceptors are derived from the list of these.
 */
export interface Operation extends CallDescriptor {
  /** One line for the OpenAPI document. */
  readonly summary: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`. A segment that starts with `:` is a field of the input. */
  readonly path: `/${string}`;
  /** Texts, numbers, booleans and choices, each a parameter of the URL's query. */
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly bodyIsOptional?: true;
  /** Payloads in the body are passed on byte for byte, as the caller wrote them. */
  readonly keepsPayloadTexts?: true;
  /** Absent: a success has no body. */
  readonly result?: z.ZodType;
  /** The response may have many branches or items, and is sent in parts. */
  readonly mayBeLong?: true;
}

/** Names of the path's fields: `gid` for `/transactions/:gid/submit`. */
type PathField<Path extends string> = Path extends `${infer Segment}/${infer More}`
  ? FieldOf<Segment> | PathField<More>
  : FieldOf<Path>;
type FieldOf<Segment extends string> = Segment extends `:${infer Name}` ? Name : never;

type PathInput<O extends Operation> = { readonly [Name in PathField<O['path']>]: string };

type SentQuery<O> = O extends { readonly query: infer Q extends z.ZodType } ? { readonly query: z.input<Q> } : object;
type SentBody<O> = O extends { readonly body: infer B extends z.ZodType }
  ? O extends { readonly bodyIsOptional: true }
    ? { readonly body?: z.input<B> | undefined }
    : { readonly body: z.input<B> }
  : object;

type ReadQuery<O> = O extends { readonly query: infer Q extends z.ZodType } ? { readonly query: z.output<Q> } : object;
type ReadBody<O> = O extends { readonly body: infer B extends z.ZodType }
  ? { readonly body: z.output<B> | (O extends { readonly bodyIsOptional: true } ? undefined : never) }
  : object;

/** The input as a caller gives it: the fields of the path, and `query` and `body`. */
export type OperationInput<O extends Operation> = PathInput<O> & SentQuery<O> & SentBody<O>;

/** The input as the implementation receives it, checked by the schemas. */
export type CheckedInput<O extends Operation> = PathInput<O> & ReadQuery<O> & ReadBody<O>;

/** The result of a success. */
export type OperationResult<O extends Operation> = O extends { readonly result: infer R extends z.ZodType }
  ? z.output<R>
  : void;

/** Names of the path's fields, in order. */
export const pathFieldsOf = ({ path }: Pick<Operation, 'path'>): readonly string[] =>
  path.split('/').flatMap((segment) => (segment.startsWith(':') ? [segment.slice(1)] : []));

/** A parameter of an operation's query. */
export interface QueryField {
  readonly name: string;
  readonly isRequired: boolean;
  /** A list: the value is one of these texts. */
  readonly kind: 'text' | 'count' | 'flag' | readonly string[];
}

/** The parameters of an operation's query; empty if it has none. */
export const queryFieldsOf = ({ query }: Operation): readonly QueryField[] =>
  Object.entries(query?.shape ?? {}).map(([name, schema]) => {
    const value: unknown = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
    return { name, isRequired: value === schema, kind: kindOf(name, value) };
  });

function kindOf(name: string, schema: unknown): QueryField['kind'] {
  if (schema instanceof z.ZodString) return 'text';
  if (schema instanceof z.ZodNumber) return 'count';
  if (schema instanceof z.ZodBoolean) return 'flag';
  if (schema instanceof z.ZodEnum) return schema.options.map(String);
  throw new TypeError(`${name}: a parameter of a query is a text, a number, a boolean or a choice`);
}
