import { script } from '../connection.ts';
import { COMMON } from './common.ts';

export const reads = (text: string) => script(COMMON + text, false);
export const changes = (text: string) => script(COMMON + text, true);
/**
 * For scripts that free memory or keep ownership: these run even when the memory of Redis is full.
 */
export const evenWhenFull = (text: string) => script(`#!lua flags=allow-oom\n${COMMON}${text}`, true);
