import type { Logger } from '@holdfast/core';
import { HoldfastError, type NewToken } from '@holdfast/protocol';
import type { TokenBook } from './token-book.ts';
import { newTokenText, parseTokenText } from './token-text.ts';

/**
 * The ID of the first token of a store. It is fixed, so that of several nodes that start at once
 * over a new store, one creates the token.
 */
export const BOOTSTRAP_ID = 'bootstrap';

/** Carries out the creation of the first token and records it, such as in an audit log. */
export type RecordFirstToken = (create: () => Promise<NewToken | undefined>) => Promise<NewToken | undefined>;

/** A new text for the first token of a store, for a file. */
export const newBootstrapText = (): string => newTokenText(BOOTSTRAP_ID);

/**
 * The text of the first token in a file: what `newBootstrapText` returned. Throws `invalid`, with
 * a text that does not contain it.
 */
export function bootstrapTextOf(content: string): string {
  const text = content.trim();
  if (parseTokenText(text)?.id === BOOTSTRAP_ID) return text;
  throw new HoldfastError(
    'invalid',
    'does not contain a bootstrap token; create one with "holdfast token generate > FILE"',
  );
}

/**
 * Creates the first token of a store that has none.
 *
 * @param record carries out the creation and records it
 * @param given its text, from a file; undefined: a new one
 * @returns the text if it must be shown to the operator: a new token was created by this node
 */
export async function bootstrap(
  tokens: TokenBook,
  given: string | undefined,
  logger: Pick<Logger, 'info' | 'warn'>,
  record: RecordFirstToken = (create) => create(),
): Promise<string | undefined> {
  const isEmpty = await tokens.isEmpty();
  const create = () => tokens.createFirst(BOOTSTRAP_ID, given ?? newBootstrapText());
  const created = isEmpty ? await record(create) : undefined;
  if (created !== undefined) {
    logger.info({ id: created.id }, 'the first API token was created, with the role admin');
    return given === undefined ? created.token : undefined;
  }
  if (given === undefined) return undefined;
  const stored = await tokens.get(BOOTSTRAP_ID);
  const hash = parseTokenText(given)?.hash.toString('hex');
  if (stored?.hash !== hash)
    logger.warn({}, 'the store has tokens already; the one in the file of --bootstrap-token-file is not created');
  return undefined;
}

/** Warns if no API token may manage all tokens, which would be noticed only when one is needed. */
export async function warnWithoutAdmin(tokens: TokenBook, logger: Pick<Logger, 'warn'>): Promise<void> {
  if (await tokens.hasAdmin()) return;
  logger.warn(
    {},
    'no valid API token has the role admin for all namespaces, so tokens cannot be managed; ' +
      'start a node without --auth on 127.0.0.1, and use "holdfast token create NAME --role admin" there',
  );
}
