import type { CallContext, Coordinator } from '@holdfast/core';
import { TOPICS } from '@holdfast/core/engine';
import { HoldfastError, withoutSecrets } from '@holdfast/protocol';
import { infoOf, isTokenId } from '../access/tokens/token-record.ts';
import type { TokenBook } from '../access/tokens/token-book.ts';
import type { AnyInput } from '../calls/invoke.ts';

/** What an entry states about the object of an action. */
export type Described = Readonly<Record<string, unknown>>;

/**
 * The fields of inputs and results that entries contain: the object of an action and its
 * parameters. A field that is not in this list, such as a payload or a secret, is never recorded.
 */
const RECORDED = [
  'gid',
  'topic',
  'id',
  'url',
  'remark',
  'by',
  'name',
  'role',
  'namespaces',
  'allNamespaces',
  'limits',
  'expiresInMs',
  'expiresAtMs',
  'overlapMs',
  'revokedAtMs',
  'rotatedAtMs',
  'previousValidUntilMs',
  'timeoutSeconds',
  'limit',
] as const;

/** Longer texts and lists are shortened, so that an entry has a bounded size. */
const LONGEST_TEXT = 500;
const MOST_ITEMS = 20;

/** The object of an action and its parameters, from the input. */
export const describedInput = (input: AnyInput): Described => ({
  ...recordedOf(input.query),
  ...recordedOf(input.body),
  ...recordedOf(input),
});

/** The reason that the caller gives; undefined if it gives none. */
export function reasonOf({ body, query, reason }: AnyInput): string | undefined {
  const [holder] = [body, query].filter(isObject);
  const given = holder?.['reason'] ?? reason;
  return typeof given === 'string' && given !== '' ? textOf(given) : undefined;
}

/** The recorded fields of an object. */
export function recordedOf(source: unknown): Described {
  if (!isObject(source)) return {};
  return Object.fromEntries(
    RECORDED.flatMap((field) => {
      const value = Object.hasOwn(source, field) ? recorded(field, source[field]) : undefined;
      return value === undefined ? [] : [[field, value]];
    }),
  );
}

/** Where the state of the object of an action is read. */
export interface StateSources {
  readonly coordinator: Coordinator;
  /** Undefined: the coordinator has no tokens. */
  readonly tokens?: Pick<TokenBook, 'get'> | undefined;
}

/**
 * The state of the transaction, the topic or the token that an input names; undefined if it names
 * none.
 */
export async function stateOf(
  { coordinator, tokens }: StateSources,
  context: CallContext,
  { gid, topic, id }: Described,
): Promise<Described | undefined> {
  // Without the caller's deadline and its signal: this is not part of the action.
  const reader: CallContext = { principal: context.principal, namespace: context.namespace };
  try {
    if (typeof gid === 'string') return await transactionState(coordinator, reader, gid);
    if (typeof topic === 'string') return await topicState(coordinator, reader, topic);
    return typeof id === 'string' && tokens !== undefined ? await tokenState(tokens, id) : undefined;
  } catch (thrown) {
    // An operator may act on a record that cannot be read.
    return { unreadable: HoldfastError.from(thrown).code };
  }
}

async function transactionState(coordinator: Coordinator, context: CallContext, gid: string): Promise<Described> {
  const view = await coordinator.get(context, gid);
  if (view === undefined) return { exists: false };
  const { pattern, status, version, attention } = view;
  return { pattern, status, version, ...(attention && { attention }) };
}

async function topicState(coordinator: Coordinator, context: CallContext, topic: string): Promise<Described> {
  const stored = await coordinator.queryKeyValue(context, { category: TOPICS, key: topic });
  if (stored === undefined) return { exists: false };
  const subscribers = (JSON.parse(stored.value) as readonly { readonly url: string }[]).map(({ url }) => url);
  return { version: stored.version, count: subscribers.length, subscribers: shortened(subscribers) };
}

async function tokenState(tokens: Pick<TokenBook, 'get'>, id: string): Promise<Described> {
  if (!isTokenId(id)) return { exists: false };
  const token = await tokens.get(id);
  return token === undefined ? { exists: false } : recordedOf(infoOf(token));
}

/** The limits of a token as a list, such as `inFlight 200`. */
const recorded = (field: (typeof RECORDED)[number], value: unknown): unknown =>
  shortened(
    field === 'limits' && isObject(value)
      ? Object.entries(value).map(([name, most]) => `${name} ${String(most)}`)
      : value,
  );

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return textOf(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (!Array.isArray(value)) return undefined;
  const shown = value.slice(0, MOST_ITEMS).map((each) => textOf(String(each)));
  return value.length > MOST_ITEMS ? [...shown, `… ${value.length - MOST_ITEMS} more`] : shown;
}

/** No store keeps half a surrogate pair. */
function textOf(text: string): string {
  const shown = withoutSecrets(text);
  return (shown.length > LONGEST_TEXT ? `${shown.slice(0, LONGEST_TEXT)}…` : shown).toWellFormed();
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
