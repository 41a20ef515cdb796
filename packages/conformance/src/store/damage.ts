/** The bodies of a record that can be changed by hand. */
export type DamagedPart = 'state' | 'definition' | 'entry';

/** How something other than Holdfast changes a record. */
export type Damage =
  | {
      readonly name: string;
      readonly part: DamagedPart;
      /**
       * Returns the bytes stored instead; undefined deletes the body, which only an entry allows.
       */
      readonly change: (body: Uint8Array) => Uint8Array | undefined;
    }
  /** A change that only this kind of store can suffer, which `place.damage` recognises by name. */
  | { readonly name: string; readonly part: 'head' };

const text = (body: string): Uint8Array => new TextEncoder().encode(body);

/** A body in the form in which Holdfast writes it, with this head. */
function framed(head: string): Uint8Array {
  const bytes = text(head);
  const frame = new Uint8Array(9 + bytes.length);
  frame[0] = 1;
  new DataView(frame.buffer).setUint32(1, bytes.length);
  frame.set(bytes, 9);
  return frame;
}

const cut = (body: Uint8Array): Uint8Array => body.subarray(0, body.length >> 1);
const whole = '"status":"prepared","base":1700000000000,"branches":[],"timeline":[]';

const BODY_DAMAGES: readonly Damage[] = [
  { name: 'a state that is cut short', part: 'state', change: cut },
  { name: 'an empty state', part: 'state', change: () => new Uint8Array(0) },
  { name: 'a state of another text', part: 'state', change: () => text('something else') },
  { name: 'a state that is not JSON', part: 'state', change: () => framed('{"status":') },
  { name: 'a state that is null', part: 'state', change: () => framed('null') },
  { name: 'a state without branches', part: 'state', change: () => framed('{"status":"prepared","base":1}') },
  { name: 'a state of an unknown status', part: 'state', change: () => framed(`{${whole},"status":"paused"}`) },
  { name: 'a state with a text for a number', part: 'state', change: () => framed(`{${whole},"retries":"5"}`) },
  { name: 'a state with a number for a text', part: 'state', change: () => framed(`{${whole},"parked":5}`) },
  { name: 'a state with times that are null', part: 'state', change: () => framed(`{${whole},"submittedAtMs":null}`) },
  { name: 'a definition that is cut short', part: 'definition', change: cut },
  { name: 'a definition of another text', part: 'definition', change: () => text('something else') },
  {
    name: 'a definition with a number for a URL',
    part: 'definition',
    change: () => framed('{"pattern":"saga","protocol":"http","steps":[{"action":1,"compensate":""}]}'),
  },
  { name: 'an entry that is cut short', part: 'entry', change: cut },
  { name: 'an entry that is missing', part: 'entry', change: () => undefined },
];

/** The kinds of damage that a store with these parts and heads can suffer. */
export const damagesOf = ({
  damagedParts,
  damagedHeads,
}: {
  readonly damagedParts: readonly DamagedPart[];
  readonly damagedHeads: readonly string[];
}): readonly Damage[] => [
  ...BODY_DAMAGES.filter(({ part }) => part !== 'head' && damagedParts.includes(part)),
  ...damagedHeads.map((name): Damage => ({ name, part: 'head' })),
];
