import type { InputOf, OperationName } from '@holdfast/protocol';

/** The fields of an input: those of the path, of the query and of the body. */
type FieldOf<Input> =
  | Exclude<keyof Input, 'query' | 'body'>
  | (Input extends { readonly query?: infer Query } ? keyof NonNullable<Query> : never)
  | (Input extends { readonly body?: infer Body } ? keyof NonNullable<Body> : never);

type NamesOf<Name extends OperationName> = Readonly<Record<FieldOf<InputOf<Name>>, string | null>>;

/**
 * For each operation that the commands call: the option or argument that sets a field of the
 * request; null if there is none. Errors of the coordinator are shown with these names.
 */
export const OPTION_NAMES = {
  listTransactions: {
    gid: null,
    status: '--status',
    pattern: '--pattern',
    attention: '--attention',
    createdFromMs: '--since',
    createdToMs: '--until',
    cursor: '--cursor',
    limit: '--limit',
  },
  getTransaction: { gid: '<gid>' },
  abortTransaction: { gid: '<gid>', reason: '--reason', by: null },
  retryTransaction: { gid: '<gid>', reason: '--reason' },
  stopTransaction: { gid: '<gid>', reason: '--reason' },
  listTopics: { cursor: null, limit: null },
  describeTopic: { topic: '<topic>' },
  subscribe: { topic: '<topic>', url: '<url>', remark: '--remark' },
  unsubscribe: { topic: '<topic>', url: '<url>' },
  deleteTopic: { topic: '<topic>' },
  listNodes: {},
  createToken: {
    name: '<name>',
    role: '--role',
    namespaces: '--namespaces',
    expiresInMs: '--expires-in',
    // Its fields have options.
    limits: null,
    reason: '--reason',
  },
  listTokens: { cursor: null, limit: null },
  rotateToken: { id: '<id>', overlapMs: '--overlap', reason: '--reason' },
  revokeToken: { id: '<id>', reason: '--reason' },
  listAudit: {
    order: null,
    fromMs: '--since',
    toMs: '--until',
    principal: '--principal',
    gid: '--gid',
    operation: '--operation',
    cursor: '--cursor',
    limit: '--limit',
  },
} as const satisfies { readonly [Name in OperationName]?: NamesOf<Name> };

/** The options of fields within an object of a request. */
export const NESTED_OPTION_NAMES: Readonly<Record<string, string>> = {
  'limits.requestsPerSecond': '--max-rate',
  'limits.burst': '--max-burst',
  'limits.bytesPerSecond': '--max-bytes',
  'limits.inFlight': '--max-in-flight',
};

/** The operations that the commands call. */
export type CalledOperation = keyof typeof OPTION_NAMES;

/** The option or argument of an operation's field; the field itself if it has none. */
export function optionOf(name: CalledOperation, field: string): string {
  const options: Readonly<Record<string, string | null>> = OPTION_NAMES[name];
  if (Object.hasOwn(options, field)) return options[field] ?? field;
  return (Object.hasOwn(NESTED_OPTION_NAMES, field) ? NESTED_OPTION_NAMES[field] : undefined) ?? field;
}
