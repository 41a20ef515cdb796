/**
 * Property by which copies of a call (`{ ...call }`, `Object.assign`) still show which request they
 * belong to. Enumerable, or a copy would lose it; a symbol, so that no JSON contains it;
 * registered, so that the CommonJS and the ESM build of this package agree on it.
 */
const REQUEST = Symbol.for('holdfast.request');

interface Marked {
  [REQUEST]?: object;
}

/**
 * Marks a call as that of a new request, before its handler gets it. A frozen call stays unmarked.
 */
export function markRequest(call: object): void {
  const marked = call as Marked;
  if (marked[REQUEST] === undefined && Object.isExtensible(call)) marked[REQUEST] = {};
}

/**
 * What the copies of a request's call have in common; undefined: the object comes from elsewhere.
 */
export const requestOf = (call: object): object | undefined => (call as Marked)[REQUEST];
