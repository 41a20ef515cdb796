/**
 * Path of a field in a request, as data: names of fields and indices of lists, such as
 * `['steps', 2, 'payload']`. The engine uses the names of `/api/v1`; each transport renders a path
 * with the names that its requests use.
 */
export type FieldPath = readonly (string | number)[];

/**
 * Names that a transport has for fields: from a path of `/api/v1` to the transport's own, with `[]`
 * for an index, such as `'steps[].payload': 'payloads[]'`. The index is carried over. A field below
 * a listed one keeps the rest of its path; a field that is not listed has the same name in both.
 */
export type FieldNames = Readonly<Record<string, string>>;

const NO_NAMES: FieldNames = {};
/** A longer name is cut: a caller chooses the names in a map. */
const LONGEST_NAME = 64;
const PLAIN = /^[\w$]+$/;

/** The path as text, such as `steps[2].payload`, in the names of a transport. */
export function renderField(path: FieldPath, names: FieldNames = NO_NAMES): string {
  for (let length = path.length; length > 0; length--) {
    const head = path.slice(0, length);
    const shape = head.map((part, at) => (typeof part === 'number' ? '[]' : dotted(part, at))).join('');
    const name = Object.hasOwn(names, shape) ? names[shape] : undefined;
    if (name !== undefined) return withIndices(name, head) + renderParts(path.slice(length), length);
  }
  return renderParts(path, 0);
}

const renderParts = (parts: FieldPath, from: number): string =>
  parts.map((part, at) => (typeof part === 'number' ? `[${part}]` : renderName(part, from + at))).join('');

const renderName = (name: string, at: number): string =>
  PLAIN.test(name) && name.length <= LONGEST_NAME ? dotted(name, at) : `[${shown(name)}]`;

const dotted = (name: string, at: number): string => (at === 0 ? name : `.${name}`);

/** The parts of a rendered path: a name, an index, or a quoted name. */
const PARTS = /\[\d+\]|\["(?:[^"\\]|\\.)*"\]|\.?[\w$]+/g;

/**
 * A rendered path in other names: `steps[2].action` becomes `steps[2].branch` with the names
 * `{ 'steps[].action': 'steps[].branch' }`. A text that is not a rendered path stays as it is.
 */
export function renameField(rendered: string, names: FieldNames): string {
  const parts = rendered.match(PARTS) ?? [];
  if (parts.join('') !== rendered) return rendered;
  const path = parts.map((part) => (INDEX.test(part) ? Number(part.slice(1, -1)) : part));
  for (let length = path.length; length > 0; length--) {
    const head = path.slice(0, length);
    const shape = head.map((part) => (typeof part === 'number' ? '[]' : part)).join('');
    if (Object.hasOwn(names, shape)) return withIndices(names[shape] ?? '', head) + parts.slice(length).join('');
  }
  return rendered;
}

const INDEX = /^\[\d+\]$/;

/** Puts the path's indices, in order, into the brackets of a name. */
function withIndices(name: string, path: FieldPath): string {
  const indices = path.filter((part) => typeof part === 'number');
  return name.replaceAll('[]', () => `[${indices.shift() ?? ''}]`);
}

/** A text from a request for an error message: quoted, escaped, and cut to `longest` characters. */
export const shown = (text: string, longest = LONGEST_NAME): string =>
  JSON.stringify(text.length <= longest ? text : `${text.slice(0, longest)}…`);
