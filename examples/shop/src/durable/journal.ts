import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * A file of JSON lines that only grows. A line is there for good once `append` has resolved: it was
 * synced to the disk. A line that a crash cut short was never promised to anybody, and is dropped
 * when the journal is opened again.
 */
export class Journal<Entry> {
  readonly #file: FileHandle;
  /** Bytes known to be whole lines. */
  #length: number;

  private constructor(file: FileHandle, length: number) {
    this.#file = file;
    this.#length = length;
  }

  /** Opens or creates a journal, and answers what is in it. */
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

  /** Not to be called again before it has resolved. */
  async append(entry: Entry): Promise<void> {
    const line = Buffer.from(JSON.stringify(entry) + '\n');
    try {
      await this.#file.appendFile(line);
      await this.#file.datasync();
    } catch (error) {
      // A full disk may have left half a line: the next one must not be glued to it.
      await this.#file.truncate(this.#length);
      throw error;
    }
    this.#length += line.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** A new file is only there after a crash if its folder was synced as well. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
