import { nearest } from './nearest.ts';

/**
 * Checks that an options object has only known names: a misspelled option would be ignored
 * silently.
 * @throws {TypeError} for an unknown name; the message suggests the nearest known one
 */
export function requireKnownNames(options: object, known: readonly string[], where: string): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new TypeError(`${where}: unknown option ${JSON.stringify(name)}; ${hintFor(name, known)}`);
  }
}

/** The nearest known name as a question, or all names if none is near. */
export function hintFor(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`;
}

/** The names of all options of a type; the compiler checks that none is missing. */
export const namesOf = <T extends object>(names: Readonly<Record<keyof T, true>>): readonly string[] =>
  Object.keys(names);
