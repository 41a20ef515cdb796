/** The lengths of the codes of the 256 bytes and of the end (RFC 7541, appendix B), in bits. */
export const CODE_BITS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

const END = 256;

/** The code of each symbol. Shorter codes come first, codes of equal length ascend. */
export function huffmanCodes(): readonly number[] {
  const codes = CODE_BITS.map(() => 0);
  let code = 0;
  for (let bits = 1; bits <= 30; bits++) {
    for (let symbol = 0; symbol <= END; symbol++) if (CODE_BITS[symbol] === bits) codes[symbol] = code++;
    code *= 2;
  }
  return codes;
}

const STATES = 256;
const FAILS = -1;
/** An entry is the next state, and above it the symbol plus 1, or 0 without a symbol. */
const STATE_BITS = 8;

/** A machine that reads four bits at a time. State 0 is the beginning of a code. */
interface Machine {
  /** Sixteen entries per state. */
  readonly next: Int32Array;
  /** Whether a text may end in a state: the bits since its last symbol are padding. */
  readonly mayEnd: Uint8Array;
}

const MACHINE = machine();

/** Decodes a text. Returns undefined if it is not one: it has the end's code, or wrong padding. */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string | undefined {
  // The shortest code has five bits.
  const text = Buffer.allocUnsafe(Math.floor(((end - start) * 8) / 5) + 1);
  const { next, mayEnd } = MACHINE;
  let length = 0;
  let state = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    const high = next[state * 16 + (byte >> 4)] as number;
    if (high === FAILS) return undefined;
    if (high >= STATES) text[length++] = (high >> STATE_BITS) - 1;
    const low = next[(high & (STATES - 1)) * 16 + (byte & 15)] as number;
    if (low === FAILS) return undefined;
    if (low >= STATES) text[length++] = (low >> STATE_BITS) - 1;
    state = low & (STATES - 1);
  }
  return mayEnd[state] === 1 ? text.toString('latin1', 0, length) : undefined;
}

/** Builds the machine: a state is an inner node of the tree of codes. */
function machine(): Machine {
  const children = tree();
  const next = new Int32Array(STATES * 16);
  for (let state = 0; state < STATES; state++)
    for (let bits = 0; bits < 16; bits++) next[state * 16 + bits] = step(children, state, bits);
  const mayEnd = new Uint8Array(STATES);
  // Padding is the beginning of the end's code, which has only ones, and shorter than a byte.
  for (let state = 0, ones = 0; ones < 8; ones++) {
    mayEnd[state] = 1;
    state = children[state * 2 + 1] as number;
  }
  return { next, mayEnd };
}

/** The state and the symbol after four more bits. */
function step(children: Int32Array, from: number, bits: number): number {
  let state = from;
  let found = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[state * 2 + ((bits >> bit) & 1)] as number;
    if (child >= 0) {
      state = child;
      continue;
    }
    const symbol = -1 - child;
    if (symbol === END) return FAILS;
    found = symbol + 1;
    state = 0;
  }
  return (found << STATE_BITS) | state;
}

/** Two children per inner node: another inner node, or the symbol `s` as -1 - s. */
function tree(): Int32Array {
  const children = new Int32Array(STATES * 2);
  let nodes = 1;
  for (const [symbol, code] of huffmanCodes().entries()) {
    let node = 0;
    for (let bit = (CODE_BITS[symbol] as number) - 1; bit > 0; bit--) {
      const at = node * 2 + ((code >> bit) & 1);
      if (children[at] === 0) children[at] = nodes++;
      node = children[at] as number;
    }
    children[node * 2 + (code & 1)] = -1 - symbol;
  }
  return children;
}
