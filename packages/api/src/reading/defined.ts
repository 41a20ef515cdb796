type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/** The object without its undefined fields. */
export function defined<T extends Readonly<Record<string, unknown>>>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
