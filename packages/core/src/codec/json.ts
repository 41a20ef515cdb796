/*
 * JSON built by hand, for records that are written with every step: `JSON.stringify` takes about
 * twice as long for them.
 */

/** A text as JSON. */
export const quoted = (text: string): string => (text === '' ? '""' : JSON.stringify(text));

/** A list as JSON. */
export function arrayOf<T>(items: readonly T[], textOf: (item: T) => string): string {
  let json = '';
  for (const item of items) json += json === '' ? textOf(item) : `,${textOf(item)}`;
  return `[${json}]`;
}
