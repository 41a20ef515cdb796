/**
 * The trace that a call belongs to, as in the header fields of W3C Trace Context (level 1). Both
 * values are valid and bounded, and can be sent as they are.
 */
export interface TraceContext {
  readonly traceparent: string;
  /** At most 512 characters; absent if the caller sent none or an invalid one. */
  readonly tracestate?: string;
}

/** Version 00: trace ID, parent ID and flags in lower-case hexadecimal. */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_PARENT = '0'.repeat(16);
/** Longer values are not examined: a later version adds a few fields at most. */
const MAX_TRACEPARENT = 256;
/** The flags that are defined: sampled, and random trace ID (level 2). */
const KNOWN_FLAGS = 0x03;

/**
 * A list member: a key (by the wider grammar of level 2), `=`, and a value of printable ASCII
 * without comma and equals sign that does not end with a blank.
 */
const MEMBER = /^[a-z\d][a-z\d_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;
const MAX_MEMBERS = 32;
/** Length that every participant of a trace forwards. */
const MAX_TRACESTATE = 512;
/** Longer members are the first to be left out. */
const LONG_MEMBER = 128;
/** Longer values are not examined: 32 members of the greatest length fit. */
const MAX_EXAMINED = 32 * 516;

/**
 * Parses the values of the header fields `traceparent` and `tracestate`. As the specification
 * requires, an invalid `traceparent` is ignored together with its `tracestate` (undefined is
 * returned), an invalid `tracestate` is ignored alone, and a version later than 00 is read as
 * version 00 without the additional fields.
 */
export function parseTraceContext(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext | undefined {
  if (traceparent === undefined) return undefined;
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return undefined;
  const state = tracestate === undefined ? '' : parseTracestate(tracestate);
  return state === '' ? { traceparent: parent } : { traceparent: parent, tracestate: state };
}

function parseTraceparent(value: string): string | undefined {
  if (value.length > MAX_TRACEPARENT) return undefined;
  const [, version = '', traceId = '', parentId = '', flags = '', more] = TRACEPARENT.exec(trimmed(value)) ?? [];
  if (version === '' || version === 'ff' || traceId === NO_TRACE || parentId === NO_PARENT) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  const known = (Number.parseInt(flags, 16) & KNOWN_FLAGS).toString(16).padStart(2, '0');
  return `00-${traceId}-${parentId}-${known}`;
}

/** Empty: there is no member, or a member is invalid. */
function parseTracestate(value: string): string {
  if (value.length > MAX_EXAMINED) return '';
  const members = value
    .split(',')
    .map(trimmed)
    .filter((member) => member !== '');
  if (members.length > MAX_MEMBERS || !members.every((member) => MEMBER.test(member))) return '';
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf('='))));
  return keys.size === members.length ? shortened(members).join(',') : '';
}

/** Leaves out whole members: long ones first, then from the end, where the oldest are. */
function shortened(members: readonly string[]): readonly string[] {
  let length = members.join(',').length;
  const kept = [...members];
  for (const isLong of [true, false])
    for (let i = kept.length - 1; i >= 0 && length > MAX_TRACESTATE; i--) {
      const member = kept[i] ?? '';
      if (isLong && member.length <= LONG_MEMBER) continue;
      kept.splice(i, 1);
      length -= member.length + 1;
    }
  return kept;
}

/** Without the blanks and tabs around it. */
const trimmed = (text: string): string => text.replace(/^[\t ]+|[\t ]+$/g, '');
