/** The events of a run, one per line, so that a failing seed can be analysed. */
export class Trace {
  readonly #nowMs: () => number;
  readonly #lines: Line[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** `gid` is empty for an event about a whole node or the world. */
  add(node: string, gid: string, text: string): void {
    this.#lines.push({ atMs: this.#nowMs(), node, gid, text });
  }

  /** All lines, or those about one transaction and about whole nodes; at most the last `most`. */
  lines({ gid, most = Infinity }: { readonly gid?: string; readonly most?: number } = {}): string[] {
    const chosen =
      gid === undefined
        ? this.#lines
        : this.#lines.filter((line) => line.gid === gid || (line.gid === '' && line.node !== ''));
    const left = Math.max(0, chosen.length - most);
    const shown = chosen.slice(left).map(format);
    return left === 0 ? shown : [`          … ${left} earlier lines left out (--trace prints all)`, ...shown];
  }
}

interface Line {
  readonly atMs: number;
  readonly node: string;
  readonly gid: string;
  readonly text: string;
}

const format = ({ atMs, node, gid, text }: Line): string =>
  `${atMs.toFixed(2).padStart(10)}  ${node.padEnd(4)} ${gid.padEnd(6)} ${text}`;
