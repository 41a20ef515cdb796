/** An object that decides itself what JSON it becomes; a bigint can have been given such a method, too. */
interface WithToJson {
  toJSON?: (key: string) => unknown;
}

/**
 * Checks that a value is JSON, before it is sent anywhere: what JSON cannot hold never arrives, and
 * what it would change (NaN to null, a Map to {}) arrives as something else. As with JSON itself,
 * members of objects that are undefined or functions are left out.
 *
 * @param path how the error names the value, such as `steps[1].payload`
 * @throws {TypeError} with the path of the part at fault
 */
export function assertJson(path: string, value: unknown): void {
  const fault = faultOf(path, value, '', new Set());
  if (fault !== undefined) throw new TypeError(fault);
}

/** The path of the first part that JSON cannot hold, and why; undefined: there is none. */
function faultOf(path: string, value: unknown, key: string, around: Set<object>): string | undefined {
  const json = replaced(value, key);
  switch (typeof json) {
    case 'bigint':
      return `${path}: a BigInt is not JSON: send it as a text, or as a number`;
    case 'number':
      return Number.isFinite(json) ? undefined : `${path}: ${json} is not JSON, which would make null of it`;
    case 'function':
    case 'symbol':
      return `${path}: a ${typeof json} is not JSON`;
    case 'object':
      return json === null ? undefined : faultWithin(path, json, around);
    default:
      return undefined;
  }
}

function replaced(value: unknown, key: string): unknown {
  if (value instanceof Date && Number.isNaN(value.getTime())) return Number.NaN;
  if (value === null || value === undefined) return value;
  const { toJSON } = value as WithToJson;
  return typeof toJSON === 'function' ? toJSON.call(value, key) : value;
}

function faultWithin(path: string, json: object, around: Set<object>): string | undefined {
  if (json instanceof Map || json instanceof Set)
    return `${path}: a ${json instanceof Map ? 'Map' : 'Set'} is not JSON, which would make {} of it`;
  if (around.has(json)) return `${path}: it refers to an object that contains it`;
  around.add(json);
  const isArray = Array.isArray(json);
  for (const [key, part] of Object.entries(json)) {
    // Left out of an object; in an array JSON would make null of it.
    if (!isArray && (typeof part === 'function' || typeof part === 'symbol')) continue;
    const fault = faultOf(isArray ? `${path}[${key}]` : `${path}.${key}`, part, key, around);
    if (fault !== undefined) return fault;
  }
  around.delete(json);
  return undefined;
}
