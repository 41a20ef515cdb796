import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDefinition, emptyDefinition, encodeDefinition } from '../../src/codec/definition-codec.ts';
import {
  ABORT_COMMAND_KEY,
  countRetryCommands,
  decodeAbortCommand,
  decodeRegistration,
  decodeRegistrations,
  encodeAbortCommand,
  encodeRetryCommand,
  lastRetryBy,
  encodeRegistration,
} from '../../src/codec/entry-codec.ts';
import { encodeFrame } from '../../src/codec/frame.ts';
import { decodeState, encodeState } from '../../src/codec/state-codec.ts';
import { signed, withLine, withStatus } from '../../src/patterns/timeline.ts';
import { UnreadableRecord } from '../../src/engine/index.ts';
import { newTransaction } from '../../src/patterns/index.ts';
import { CREATED_AT_MS, KEY, saga } from '../patterns/support/definitions.ts';
import { abort, definition, registration, state } from './arbitraries.ts';

const SEED = { seed: 20_240_917 };

/** One kind of record: what writes it, what reads it, what it is called. */
const KINDS = [
  { what: 'definition', records: definition.map(encodeDefinition), decode: decodeDefinition },
  { what: 'state', records: state.map(encodeState), decode: decodeState },
  {
    what: 'registered branch',
    records: registration.map((one) => encodeRegistration(one).body),
    decode: (body: Uint8Array) => decodeRegistration({ key: 'branch:01:action', body }),
  },
  {
    what: 'order',
    records: abort.map((command) => encodeAbortCommand(command).body),
    decode: (body: Uint8Array) => decodeAbortCommand([{ key: ABORT_COMMAND_KEY, body }]),
  },
];

/**
 * How reading ended. A record that is read in spite of the damage, or rejected as unreadable, is
 * fine; any other error is a bug.
 */
function readOrReject(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  try {
    decode(bytes);
    return 'fine';
  } catch (error) {
    return error instanceof UnreadableRecord ? 'fine' : error;
  }
}

const plain = (bytes: Uint8Array): number[] => [...bytes];

describe('what is written is read back', () => {
  it('a definition, with any texts and payloads', () => {
    fc.assert(
      fc.property(definition, (written) => {
        const read = decodeDefinition(encodeDefinition(written));
        expect({ ...read, payloads: read.payloads.map(plain), workflowData: plain(read.workflowData) }).toEqual({
          ...written,
          payloads: written.payloads.map(plain),
          workflowData: plain(written.workflowData),
        });
      }),
      SEED,
    );
  });

  it('a state, with any history', () => {
    fc.assert(
      fc.property(state, (written) => {
        expect(decodeState(encodeState(written))).toEqual(written);
      }),
      SEED,
    );
  });

  it('a registered branch, with any payload', () => {
    fc.assert(
      fc.property(registration, (written) => {
        const read = decodeRegistration(encodeRegistration(written));
        expect({ ...read, payload: plain(read.payload) }).toEqual({ ...written, payload: plain(written.payload) });
      }),
      SEED,
    );
  });

  it('a command to abort', () => {
    fc.assert(
      fc.property(abort, (command) => {
        expect(decodeAbortCommand([encodeAbortCommand(command)])).toEqual(command);
      }),
      SEED,
    );
  });

  it('a state that is new', () => {
    const { state: fresh } = newTransaction(KEY, saga(2), CREATED_AT_MS);
    expect(decodeState(encodeState(fresh))).toEqual(fresh);
  });

  it('a state with times at and around its first line, none of which is taken for never', () => {
    const { state: fresh } = newTransaction(KEY, saga(2), CREATED_AT_MS);
    const first = fresh.timeline[0]?.atMs ?? 0;
    for (const atMs of [first - 2, first - 1, first, first + 1, first + 2]) {
      const written = { ...fresh, submittedAtMs: atMs, nextCheckAtMs: atMs };
      expect(decodeState(encodeState(written))).toEqual(written);
    }
  });

  it('a large payload, and one that is not at the start of its buffer', () => {
    const large = new Uint8Array(1024 * 1024).map((_, i) => i % 251);
    const written = { ...saga(2), payloads: [large, large.subarray(3, 10)] };
    const encoded = encodeDefinition(written);
    const shifted = new Uint8Array(encoded.length + 7);
    shifted.set(encoded, 7);
    const read = decodeDefinition(shifted.subarray(7));
    expect(Buffer.compare(read.payloads[0] ?? large.subarray(1), large)).toBe(0);
    expect(plain(read.payloads[1] ?? large)).toEqual([3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('principals and traces in records', () => {
  const headOf = (bytes: Uint8Array) => Buffer.from(bytes).subarray(9).toString();
  const framed = (head: string) => encodeFrame(1, head, []);

  it('take up no byte in a record without them', () => {
    const { state: fresh } = newTransaction(KEY, saga(1), CREATED_AT_MS);
    expect(headOf(encodeState(withStatus(fresh, 'submitted', CREATED_AT_MS)))).toBe(
      `{"status":"submitted","base":${CREATED_AT_MS},"branches":[0,0],"timeline":[["s",0,"submitted",""]]}`,
    );
    expect(headOf(encodeDefinition(emptyDefinition('tcc')))).toBe('{"pattern":"tcc","protocol":"http"}');
    expect(headOf(encodeAbortCommand({ reason: 'no stock' }).body)).toBe('{"reason":"no stock"}');
    expect(headOf(encodeRetryCommand('w').body)).toBe('{}');
  });

  it('are where this version put them first, which never changes', () => {
    const { state: fresh } = newTransaction(KEY, emptyDefinition('tcc'), CREATED_AT_MS);
    const line = { kind: 'order', atMs: CREATED_AT_MS, detail: 'retry now', by: 'bob' } as const;
    const written = signed(withStatus(withLine(fresh, line), 'aborting', CREATED_AT_MS + 1, 'no'), [line], 'alice');
    const head =
      `{"status":"aborting","base":${CREATED_AT_MS},"branches":[],` +
      '"timeline":[["order",0,"retry now","bob"],["s",1,"aborting","no","alice"]]}';
    expect(headOf(encodeState(written))).toBe(head);
    expect(decodeState(framed(head))).toEqual(written);

    const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'a=1' };
    const created = { ...emptyDefinition('tcc'), createdBy: 'alice', trace };
    const definitionHead =
      '{"pattern":"tcc","protocol":"http","createdBy":"alice",' +
      `"traceparent":"${trace.traceparent}","tracestate":"a=1"}`;
    expect(headOf(encodeDefinition(created))).toBe(definitionHead);
    expect(decodeDefinition(framed(definitionHead))).toMatchObject({ createdBy: 'alice', trace });

    const imported = { ...emptyDefinition('tcc'), startedAtMs: CREATED_AT_MS };
    const importedHead = `{"pattern":"tcc","protocol":"http","startedAtMs":${CREATED_AT_MS}}`;
    expect(headOf(encodeDefinition(imported))).toBe(importedHead);
    expect(decodeDefinition(framed(importedHead))).toMatchObject({ startedAtMs: CREATED_AT_MS });

    expect(headOf(encodeAbortCommand({ reason: 'no', by: 'alice' }).body)).toBe('{"reason":"no","by":"alice"}');
    const retries = [encodeRetryCommand('w', 'bob'), encodeRetryCommand('x', 'carol')];
    expect(headOf(retries[0]?.body ?? Buffer.of())).toBe('{"by":"bob"}');
    expect([countRetryCommands(retries), lastRetryBy(retries), lastRetryBy([])]).toEqual([2, 'carol', undefined]);
  });

  it('of another type make a record unreadable, as any wrong field does', () => {
    const states = ['["s",0,"failed","",1]', '["order",0,"",{}]'].map(
      (line) => `{"status":"failed","base":1,"branches":[],"timeline":[${line}]}`,
    );
    for (const head of states) expect(() => decodeState(framed(head))).toThrow(UnreadableRecord);
    for (const field of [
      '"startedAtMs":"1"',
      '"createdBy":1',
      '"traceparent":[]',
      '"traceparent":"x","tracestate":null',
    ])
      expect(() => decodeDefinition(framed(`{"pattern":"tcc","protocol":"http",${field}}`))).toThrow(UnreadableRecord);
  });
});

describe('entries', () => {
  it('commands are not listed as branches, and branches keep the order of their registration', () => {
    const branch = {
      branchId: '01',
      op: 'confirm',
      url: 'u',
      payload: Buffer.from('x'),
      status: 'prepared',
      createdAtMs: 1,
    } as const;
    const entries = [
      encodeRegistration(branch),
      encodeAbortCommand({ reason: 'stop' }),
      encodeRegistration({ ...branch, op: 'cancel' }),
    ];
    expect(decodeRegistrations(entries).map(({ op }) => op)).toEqual(['confirm', 'cancel']);
    expect(decodeAbortCommand(entries)).toEqual({ reason: 'stop' });
    expect(decodeAbortCommand(entries.slice(0, 1))).toBe(undefined);
  });

  it('the same op of the same branch has the same key, any other op or branch has another key', () => {
    const branch = {
      branchId: '01',
      op: 'confirm',
      url: 'u',
      payload: Buffer.from('x'),
      status: 'prepared',
      createdAtMs: 1,
    } as const;
    expect(encodeRegistration({ ...branch, url: 'other' }).key).toBe(encodeRegistration(branch).key);
    expect(encodeRegistration({ ...branch, op: 'cancel' }).key).not.toBe(encodeRegistration(branch).key);
    expect(encodeRegistration({ ...branch, branchId: '0101' }).key).not.toBe(encodeRegistration(branch).key);
  });
});

describe.each(KINDS)('decoding a $what', ({ what, records, decode }) => {
  const encoded = fc.sample(records, { ...SEED, numRuns: 20 });

  it('rejects it as unreadable when it is truncated anywhere or has extra bytes at its end', () => {
    for (const bytes of encoded) {
      for (let length = 0; length < bytes.length; length++)
        expect(() => decode(bytes.subarray(0, length))).toThrow(UnreadableRecord);
      expect(() => decode(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(UnreadableRecord);
    }
  });

  it('reports an unknown format by its number, together with the formats that this version reads', () => {
    for (const bytes of encoded) {
      const newer = Uint8Array.from(bytes);
      newer[0] = 2;
      expect(() => decode(newer)).toThrow(UnreadableRecord);
      expect(() => decode(newer)).toThrow(`${what}: format 2 is unknown to this version (it reads 1 to 1)`);
    }
  });

  it('throws no error other than UnreadableRecord, whatever byte is damaged', () => {
    for (const bytes of encoded) {
      for (let at = 0; at < Math.min(bytes.length, 400); at++) {
        const damaged = Uint8Array.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
        expect(readOrReject(decode, damaged)).toBe('fine');
      }
    }
  });

  it('throws no error other than UnreadableRecord, whatever bytes or JSON are decoded', () => {
    const framed = fc.json().map((json) => {
      const head = Buffer.from(json);
      const start = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0]);
      start.writeUInt32BE(head.length, 1);
      return Buffer.concat([start, head]);
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), framed), (bytes) => {
        expect(readOrReject(decode, bytes)).toBe('fine');
      }),
      { ...SEED, numRuns: 1_000 },
    );
  });
});

describe('values outside their closed sets', () => {
  it('make a record unreadable', () => {
    const definitionBytes = Buffer.from(encodeDefinition(saga(1)));
    const otherPattern = Buffer.from(definitionBytes.toString('latin1').replace('"saga"', '"sagb"'), 'latin1');
    expect(() => decodeDefinition(otherPattern)).toThrow(UnreadableRecord);
    const fresh = newTransaction(KEY, saga(1), CREATED_AT_MS).state;
    const stateBytes = Buffer.from(encodeState(fresh)).toString('latin1').replace('"prepared"', '"preparex"');
    expect(() => decodeState(Buffer.from(stateBytes, 'latin1'))).toThrow(UnreadableRecord);
  });
});
