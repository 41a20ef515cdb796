import type { Logger } from '@holdfast/core';
import { stackOfThrown, textOfThrown, withoutSecrets } from '@holdfast/protocol';

const nothing = (): void => undefined;

/**
 * Emits warnings and errors as warnings of the process: a library should not print, and an
 * application can listen to or silence them.
 */
export const warningsLogger: Logger = { debug: nothing, info: nothing, warn, error: warn };

function warn({ err, ...fields }: Readonly<Record<string, unknown>>, message: string): void {
  const about = Object.entries(fields).map(([name, value]) => `${name}=${textOf(value)}`);
  const why = err === undefined ? [] : [textOfThrown(err)];
  const stack = stackOfThrown(err);
  process.emitWarning(withoutSecrets([message, ...about, ...why].join(' ')), {
    type: 'HoldfastWarning',
    ...(stack !== undefined && { detail: withoutSecrets(stack) }),
  });
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
