export { createLog, type LogOptions } from './create-log.ts';
export { type Log, SILENT } from './log.ts';
