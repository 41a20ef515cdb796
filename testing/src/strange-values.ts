function refuse(): never {
  throw new Error('a trap was called');
}

const trapped = { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse, getOwnPropertyDescriptor: refuse };

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const withGetter = (name: string): Error => Object.defineProperty(new Error('odd'), name, { get: refuse });

/** Values that code may throw, and whose inspection may throw in turn. */
export const STRANGE_VALUES: readonly (readonly [what: string, value: () => unknown])[] = [
  ['an object without a prototype', () => Object.create(null)],
  ['undefined', () => undefined],
  ['null', () => null],
  ['a bigint', () => 42n],
  ['a symbol', () => Symbol('odd')],
  ['a proxy that throws on every access', () => new Proxy({}, trapped)],
  ['a proxy of an error that throws on every access', () => new Proxy(new Error('odd'), trapped)],
  ['a revoked proxy', revoked],
  ['an error whose message throws', () => withGetter('message')],
  ['an error whose stack throws', () => withGetter('stack')],
  ['an error whose name throws', () => withGetter('name')],
  ['an error whose cause throws', () => withGetter('cause')],
  ['an error whose code throws', () => withGetter('code')],
  ['an error whose message is a symbol', () => Object.assign(new Error('odd'), { message: Symbol('odd') })],
  ['an error whose stack is a number', () => Object.assign(new Error('odd'), { stack: 7 })],
  ['an error that is caused by a revoked proxy', () => new Error('odd', { cause: revoked() })],
  ['an object whose toString throws', () => ({ toString: refuse })],
];

/** A promise of another make, which is rejected. */
export const rejectingThenable = (why: Error): unknown => ({
  // oxlint-disable-next-line unicorn/no-thenable -- hooks of applications may return such objects
  then: (_: unknown, reject: (reason: Error) => void) => reject(why),
});

/** An object whose `then` cannot be read. */
export const throwingThenable = (why: Error): unknown => ({
  // oxlint-disable-next-line unicorn/no-thenable -- hooks of applications may return such objects
  get then() {
    throw why;
  },
});
