/** One log record as a human-readable line: time, level, message, then the fields. */
export function prettyLine(record: Readonly<Record<string, unknown>>, colour: boolean): string {
  const { time, level, msg, err, ...fields } = record;
  const name = LEVELS[Number(level)] ?? String(level);
  const painted = colour ? `${COLOURS[name] ?? ''}${name.padEnd(5)}${RESET}` : name.padEnd(5);
  const at = typeof time === 'number' ? new Date(time).toISOString().slice(11, 23) : '';
  const words = Object.entries(fields).map(([field, value]) => `${dim(`${field}=`, colour)}${textOf(value)}`);
  const line = [dim(at, colour), painted, textOf(msg ?? ''), ...words].join(' ').trimEnd();
  return err === undefined ? line : `${line}\n${indent(stackOf(err))}`;
}

const LEVELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };
const RESET = '\u001b[0m';
const COLOURS: Readonly<Record<string, string>> = { info: '\u001b[32m', warn: '\u001b[33m', error: '\u001b[31m' };

const dim = (text: string, colour: boolean): string => (colour && text !== '' ? `\u001b[2m${text}${RESET}` : text);

const textOf = (value: unknown): string => clean(typeof value === 'string' ? value : JSON.stringify(value));

/** Text from outside must not control the terminal. */
const clean = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ');

function stackOf(err: unknown): string {
  const stack = typeof err === 'object' && err !== null && 'stack' in err ? err.stack : err;
  return String(stack);
}

const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => `    ${clean(line)}`)
    .join('\n');
