import { withoutSecrets } from '@holdfast/protocol';
import { pino } from 'pino';
import type { Log } from './log.ts';
import { prettyLine } from './pretty.ts';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** `auto`: pretty on a terminal, JSON otherwise. */
  readonly format: 'auto' | 'pretty' | 'json';
  /** Where lines go. */
  readonly output: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly colour: boolean;
  /** Added to each line. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/**
 * Structured logs: one JSON object per line, or the same in a human-readable form. Payloads and
 * header values are never logged; secrets in texts from outside (a response that echoes its
 * request, a URL) are removed from each line.
 */
export function createLog({ level, format, output, colour, fields: always = {} }: LogOptions): Log {
  const pretty = format === 'pretty' || (format === 'auto' && output.isTTY === true);
  const write = (line: string): void => {
    const shown = withoutSecrets(line);
    output.write(pretty ? `${prettyLine(JSON.parse(shown) as Record<string, unknown>, colour)}\n` : shown);
  };
  // Neither host nor pid: the collector of the lines knows their origin.
  const logger = pino({ level, base: Object.keys(always).length === 0 ? null : always }, { write });
  return {
    debugs: logger.isLevelEnabled('debug'),
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
