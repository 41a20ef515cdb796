/**
 * Reads the output of `strace -f -y` for a program that writes and acknowledges, and finds where it
 * acknowledged what was not on the disk.
 *
 * D1  Between two acknowledgements something is written to the data file, its header last.
 * D2  The header is written through a descriptor that syncs (O_DSYNC), after a sync that covers
 *     every page written before.
 * D3  At an acknowledgement nothing written to the data file is unsynced.
 */
export interface TraceVerdict {
  readonly acknowledged: number;
  readonly violations: readonly string[];
}

export const TRACED_CALLS = 'openat,pwrite64,pwritev,pwritev2,write,writev,fdatasync,fsync,msync';

const LINE = /^(?<thread>\d+) +(?:<\.\.\. (?<resumed>\w+) resumed>|(?<call>\w+)\()(?<rest>.*)$/;
const OPENED = /"[^"]*", (?<flags>[A-Z_|]+).*= (?<fd>\d+)</;
const DESCRIPTOR = /^(?<fd>\d+)<(?<path>[^>]*)>/;

interface Call {
  readonly name: string;
  readonly text: string;
}

/** Judges a trace. `acknowledgement` begins each line that the program acknowledges with. */
export function judge(trace: string, dataFile: string, acknowledgement: string): TraceVerdict {
  return new Judge(dataFile, acknowledgement).read(trace.split('\n'));
}

class Judge {
  readonly #dataFile: string;
  readonly #acknowledgement: string;
  readonly #underWay = new Map<string, Call & { readonly covers: number }>();
  readonly #syncedDescriptors = new Set<string>();
  readonly #violations: string[] = [];
  /** Writes to the data file so far, and how many of them a finished sync covers. */
  #written = 0;
  #synced = 0;
  #headers = 0;
  #acknowledged = 0;

  constructor(dataFile: string, acknowledgement: string) {
    this.#dataFile = dataFile;
    this.#acknowledgement = acknowledgement;
  }

  read(lines: readonly string[]): TraceVerdict {
    for (const line of lines) this.#line(line);
    return { acknowledged: this.#acknowledged, violations: this.#violations };
  }

  #line(line: string): void {
    const { thread = '', resumed, call, rest = '' } = LINE.exec(line)?.groups ?? {};
    const begun = resumed === undefined ? undefined : this.#underWay.get(thread);
    if (call !== undefined) this.#begins({ name: call, text: rest });
    if (call !== undefined && rest.endsWith('<unfinished ...>')) {
      this.#underWay.set(thread, {
        name: call,
        text: rest.slice(0, -'<unfinished ...>'.length),
        covers: this.#written,
      });
    } else if (begun !== undefined) {
      this.#underWay.delete(thread);
      this.#ends({ name: begun.name, text: begun.text + rest }, begun.covers);
    } else if (call !== undefined) {
      this.#ends({ name: call, text: rest }, this.#written);
    }
  }

  /**
   * An acknowledgement counts from the start of its call: its reader may have it before the call
   * returns.
   */
  #begins({ name, text }: Call): void {
    if (!name.startsWith('write') || !text.includes(`"${this.#acknowledgement}`)) return;
    const number = this.#acknowledged++;
    if (this.#headers === 0) this.#violations.push(`acknowledgement ${number}: no synced header since the one before`);
    if (this.#synced < this.#written)
      this.#violations.push(`acknowledgement ${number}: ${this.#written - this.#synced} writes are not synced`);
    this.#headers = 0;
  }

  /** A sync covers what was written before it began. */
  #ends({ name, text }: Call, covers: number): void {
    if (name === 'openat') return this.#opened(text);
    const { fd = '', path } = DESCRIPTOR.exec(text)?.groups ?? {};
    if (path !== this.#dataFile) return;
    if (name === 'fdatasync' || name === 'fsync' || name === 'msync') {
      if (text.endsWith('= 0')) this.#synced = Math.max(this.#synced, covers);
    } else if (!this.#syncedDescriptors.has(fd)) {
      this.#written++;
    } else {
      if (this.#synced < this.#written)
        this.#violations.push(
          `before acknowledgement ${this.#acknowledged}: the header was written before its pages were synced`,
        );
      this.#headers++;
    }
  }

  #opened(text: string): void {
    const { flags = '', fd } = OPENED.exec(text)?.groups ?? {};
    if (fd === undefined || !text.includes(`"${this.#dataFile}"`)) return;
    if (/\bO_D?SYNC\b/.test(flags)) this.#syncedDescriptors.add(fd);
    else this.#syncedDescriptors.delete(fd);
  }
}
