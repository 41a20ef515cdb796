import { pino } from 'pino';
import type { Log } from './log.ts';
import { prettyLine } from './pretty.ts';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** `auto`: for people on a terminal, JSON otherwise. */
  readonly format: 'auto' | 'pretty' | 'json';
  /** Where lines go. */
  readonly output: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly colour: boolean;
  /** Stand in each line. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Structured logs: one JSON object a line, or the same for people. Payloads, header values and secrets are never given to it. */
export function createLog({ level, format, output, colour, fields: always = {} }: LogOptions): Log {
  const pretty = format === 'pretty' || (format === 'auto' && output.isTTY === true);
  const write = pretty
    ? (line: string): void => void output.write(prettyLine(JSON.parse(line) as Record<string, unknown>, colour) + '\n')
    : (line: string): void => void output.write(line);
  // Neither host nor pid: whoever collects the lines knows where they come from.
  const logger = pino({ level, base: Object.keys(always).length === 0 ? null : always }, { write });
  return {
    debugs: logger.isLevelEnabled('debug'),
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
