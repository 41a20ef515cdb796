/** An object that determines its JSON form; a bigint can have been given such a method, too. */
interface WithToJson {
  toJSON?: (key: string) => unknown;
}

/** A part that JSON cannot hold: where it is within the value, and why. */
interface Fault {
  readonly at: string;
  readonly why: string;
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
  const fault = faultOfWhole(value);
  if (fault !== undefined) throw new TypeError(`${path}${fault.at}: ${fault.why}`);
}

/**
 * Whether JSON would make {} of a promise that the code forgot to await. Its rejection does not end
 * the process then: the code receives an error that names the promise.
 */
export function isPromise(value: unknown): boolean {
  if (!(value instanceof Promise)) return false;
  void Promise.prototype.then.call(value, undefined, () => undefined);
  return true;
}

function faultOfWhole(value: unknown): Fault | undefined {
  try {
    return faultOf(value, '', new Set());
  } catch (error) {
    if (error instanceof RangeError) return { at: '', why: `it cannot be written as JSON: ${error.message}` };
    throw error;
  }
}

/** The first part that JSON cannot hold; undefined: there is none. */
function faultOf(value: unknown, key: string, around: Set<object>): Fault | undefined {
  const json = replaced(value, key);
  switch (typeof json) {
    case 'bigint':
      return { at: '', why: 'a BigInt is not JSON: send it as a text, or as a number' };
    case 'number':
      return Number.isFinite(json) ? undefined : { at: '', why: `${json} is not JSON, which would make null of it` };
    case 'function':
    case 'symbol':
      return { at: '', why: `a ${typeof json} is not JSON` };
    case 'object':
      return json === null ? undefined : faultWithin(json, around);
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

function faultWithin(json: object, around: Set<object>): Fault | undefined {
  if (json instanceof Map || json instanceof Set)
    return { at: '', why: `a ${json instanceof Map ? 'Map' : 'Set'} is not JSON, which would make {} of it` };
  if (isPromise(json)) return { at: '', why: 'a Promise is not JSON, which would make {} of it: await it' };
  if (around.has(json)) return { at: '', why: 'it refers to an object that contains it' };
  around.add(json);
  const fault = Array.isArray(json) ? faultOfItem(json, around) : faultOfMember(json, around);
  around.delete(json);
  return fault;
}

function faultOfItem(items: readonly unknown[], around: Set<object>): Fault | undefined {
  for (let i = 0; i < items.length; i++) {
    const fault = faultOf(items[i], `${i}`, around);
    if (fault !== undefined) return { at: `[${i}]${fault.at}`, why: fault.why };
  }
  return undefined;
}

function faultOfMember(json: object, around: Set<object>): Fault | undefined {
  for (const [key, member] of Object.entries(json)) {
    // JSON leaves it out.
    if (typeof member === 'function' || typeof member === 'symbol') continue;
    const fault = faultOf(member, key, around);
    if (fault !== undefined) return { at: `.${key}${fault.at}`, why: fault.why };
  }
  return undefined;
}
