import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * An append-only file of JSON lines. When `append` has resolved, the line is durable (synced to
 * disk). A line that a crash cut short was never acknowledged to a caller, and is dropped when the
 * journal is opened again.
 */
export class Journal<Entry> {
  readonly #file: FileHandle;
  /** Length of the complete lines, in bytes. */
  #length: number;

  private constructor(file: FileHandle, length: number) {
    this.#file = file;
    this.#length = length;
  }

  /** Opens or creates a journal; resolves to the journal and its entries. */
  static async open<Entry>(path: string): Promise<{ journal: Journal<Entry>; entries: Entry[] }> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a+');
    const text = await file.readFile('utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const length = Buffer.byteLength(whole);
    await file.truncate(length);
    await syncFolder(dirname(path));
    const lines = whole.split('\n').filter((line) => line !== '');
    return { journal: new Journal<Entry>(file, length), entries: lines.map((line) => JSON.parse(line) as Entry) };
  }

  /** Must not be called again before the previous call has resolved. */
  async append(entry: Entry): Promise<void> {
    const line = Buffer.from(JSON.stringify(entry) + '\n');
    try {
      await this.#file.appendFile(line);
      await this.#file.datasync();
    } catch (error) {
      // A full disk may leave half a line; the next line must not be appended to it.
      await this.#file.truncate(this.#length);
      throw error;
    }
    this.#length += line.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** A new file survives a crash only if its folder was synced as well. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
