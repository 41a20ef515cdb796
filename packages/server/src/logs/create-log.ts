import { withoutSecrets } from '@holdfast/protocol';
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

/**
 * Structured logs: one JSON object per line, or the same for people. Payloads and header values are never given to it, and
 * secrets in the texts of others (a response that echoes its request, a URL) are left out of each line.
 */
export function createLog({ level, format, output, colour, fields: always = {} }: LogOptions): Log {
  const pretty = format === 'pretty' || (format === 'auto' && output.isTTY === true);
  const write = (line: string): void => {
    const shown = withoutSecrets(line);
    output.write(pretty ? `${prettyLine(JSON.parse(shown) as Record<string, unknown>, colour)}\n` : shown);
  };
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
