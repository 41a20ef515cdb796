/**
 * Why the content of a watched file cannot be used. The message is a clause without the path and
 * without any secret: it follows `--tls-key-file /path: `.
 */
export class FileFault extends Error {
  override readonly name = 'FileFault';
  /** The position in `watchAll` of the file at fault; the first by default. */
  readonly at: number;

  constructor(message: string, at = 0) {
    super(message);
    this.at = at;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this process may not read it',
  EPERM: 'this process may not read it',
  EISDIR: 'it is a folder, not a file',
  ENOTDIR: 'a part of the path is not a folder',
  ELOOP: 'its symbolic links form a loop',
  ENAMETOOLONG: 'the path is too long',
};

/** The reason for an error of the file system. */
export function reasonOf(error: unknown): string {
  if (error instanceof FileFault) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? `it cannot be read${code === '' ? '' : ` (${code})`}`;
}
