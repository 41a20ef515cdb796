import { script } from '../connection.ts';
import { COMMON } from './common.ts';

export const reads = (text: string) => script(COMMON + text, false);
export const changes = (text: string) => script(COMMON + text, true);
/** These free memory or hold possession: they run when it is full, too. */
export const evenWhenFull = (text: string) => script(`#!lua flags=allow-oom\n${COMMON}${text}`, true);
