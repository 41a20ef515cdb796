/** Numbers of fields by message and name. */
export type Numbers = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Finds the number of a field. */
export interface Numbering {
  of(message: string, field: string): number;
}

/** Known numbers. Throws for a field without one. */
export const fixedNumbers = (known: Numbers): Numbering => ({
  of(message, field) {
    const number = known[message]?.[field];
    if (number === undefined)
      throw new Error(`${message}.${field} has no field number; field-numbers.ts describes how to add it`);
    return number;
  },
});

/** Known numbers, and the next ones for fields that have none; `all` are both. */
export class GrowingNumbers implements Numbering {
  readonly #all = new Map<string, Map<string, number>>();

  constructor(known: Numbers) {
    for (const [message, fields] of Object.entries(known)) this.#all.set(message, new Map(Object.entries(fields)));
  }

  of(message: string, field: string): number {
    const fields = this.#all.get(message) ?? new Map<string, number>();
    this.#all.set(message, fields);
    const number = fields.get(field) ?? Math.max(0, ...fields.values()) + 1;
    fields.set(field, number);
    return number;
  }

  get all(): Numbers {
    return Object.fromEntries([...this.#all].map(([message, fields]) => [message, Object.fromEntries(fields)]));
  }
}
