import { isUtf8 } from 'node:buffer';
import { FileFault } from './file-fault.ts';

/** The text of a file with one secret, without the line break at its end. Throws `FileFault`. */
export function secretText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new FileFault('its content is not UTF-8');
  const text = bytes.toString('utf8').replace(/\r?\n$/, '');
  if (text.trim() === '') throw new FileFault('it contains no secret');
  if (text.includes('\n')) throw new FileFault('it must contain one line');
  return text;
}
