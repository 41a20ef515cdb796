import {
  CallNotVerified,
  CallSigner,
  CallVerifier,
  parseSigningKeys,
  type SignatureFields,
  type SignedRequest,
  type VerifyOptions,
} from '@holdfast/protocol/signing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OTHER_SECRET, PRIVATE_PEM, PUBLIC_PEM, SECRET, WHPK, WHSK } from './keys.ts';

const NOW_MS = 1_700_000_000_000;

const REQUEST: SignedRequest = {
  id: 'g1.01.action.1',
  method: 'POST',
  target: '/debit?gid=g1&trans_type=saga&branch_id=01&op=action',
  host: 'bank-a:8080',
  body: '{"amount":30}',
};

let signers = 0;

const signerOf = (keys: string, nowMs = NOW_MS) =>
  new CallSigner(
    () => parseSigningKeys(keys),
    `process-${++signers}`,
    () => nowMs,
  );

const verifierOf = (options: Partial<VerifyOptions>) =>
  new CallVerifier({ keys: [SECRET], ...options }, { wallMs: () => NOW_MS, monotonicMs: () => 0 });

/** Verifies a request with its signature; resolves to the reason, or to `accepted`. */
async function verdict(
  options: Partial<VerifyOptions>,
  fields: Readonly<Record<string, unknown>>,
  { method, target, body }: SignedRequest = REQUEST,
  verifier = verifierOf(options),
): Promise<string> {
  try {
    await verifier.verify(
      verifier.read((name) => fields[name]),
      { method, target, body },
    );
    return 'accepted';
  } catch (error) {
    if (error instanceof CallNotVerified) return error.message;
    throw error;
  }
}

const KEYS = [
  ['a secret', SECRET, SECRET],
  ['ed25519 from whsk_ and whpk_', WHSK, WHPK],
  ['ed25519 from PEM', PRIVATE_PEM, PUBLIC_PEM],
] as const;

describe.each(KEYS)('a call signed with %s', (_, signing, verification) => {
  it('is accepted', async () => {
    expect(await verdict({ keys: [verification] }, signerOf(signing).sign(REQUEST))).toBe('accepted');
  });

  it('is accepted for every body, target and ID, and never after a change of one byte of it', async () => {
    const signer = signerOf(signing);
    const request = fc.record({
      id: fc
        .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 })
        .map((text) => `${encodeURIComponent(text)}.1.op.1`),
      method: fc.constantFrom('GET', 'POST'),
      target: fc.webPath().map((path) => `/${path}`),
      host: fc.domain(),
      body: fc.uint8Array({ maxLength: 200 }),
    });
    const places = ['method', 'target', 'body', ...Object.keys(signer.sign(REQUEST))] as const;
    await fc.assert(
      fc.asyncProperty(
        request,
        fc.constantFrom(...places),
        fc.nat(),
        fc.integer({ min: 1, max: 127 }),
        async (call, place, at, change) => {
          const fields = signer.sign(call);
          const options = { keys: [verification] };
          expect(await verdict(options, fields, call)).toBe('accepted');
          const changed = { ...fields, ...call } as Record<string, string | Uint8Array>;
          const value = changed[place] ?? '';
          if (value.length === 0) return;
          changed[place] = withChange(value, at % value.length, change);
          const { method, target, body } = changed as unknown as SignedRequest;
          expect(await verdict(options, changed, { ...call, method, target, body })).not.toBe('accepted');
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** A text or bytes with one character changed. */
function withChange(value: string | Uint8Array, at: number, change: number): string | Uint8Array {
  if (typeof value !== 'string') return value.with(at, (value[at] ?? 0) ^ change);
  return `${value.slice(0, at)}${String.fromCharCode(value.charCodeAt(at) ^ change)}${value.slice(at + 1)}`;
}

describe('a call', () => {
  const fields = (): SignatureFields => signerOf(SECRET).sign(REQUEST);

  it.each([
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
    'holdfast-nonce',
    'holdfast-host',
    'holdfast-signature',
  ])('without the header %s is not signed, and the reason names the header', async (name) => {
    expect(await verdict({}, { ...fields(), [name]: undefined })).toBe(
      `the call is not signed: header ${name} is missing`,
    );
    expect(await verdict({}, { ...fields(), [name]: '\n' })).toContain(`header ${name} is malformed`);
  });

  it('has the same headers as lines of HTTP/1.1', () => {
    const signer = () =>
      new CallSigner(
        () => parseSigningKeys(`${SECRET}\n${WHSK}`),
        'process-lines',
        () => NOW_MS,
      );
    const lines = Object.entries(signer().sign(REQUEST)).map(([name, value]) => `${name}: ${value}\r\n`);
    expect(signer().signedLines(REQUEST)).toBe(lines.join(''));
  });

  it('signed with another key, of another body, or under another ID is not accepted', async () => {
    const reason = /no signature of the call is valid/;
    expect(await verdict({ keys: [OTHER_SECRET] }, fields())).toMatch(reason);
    expect(await verdict({ keys: [WHPK] }, fields())).toMatch(reason);
    expect(await verdict({}, { ...fields(), 'webhook-id': 'g2.01.action.1' })).toMatch(reason);
  });

  it('whose body was changed is not accepted, and the reason names the body, however long it is', async () => {
    for (const body of ['{"amount":30}', 'a'.repeat(100_000), '']) {
      const signed = signerOf(SECRET).sign({ ...REQUEST, body });
      expect(await verdict({}, signed, { ...REQUEST, body: `${body} ` })).toMatch(/its body was changed/);
    }
  });

  it('for another method or path is not accepted', async () => {
    const reason = /not signed for this method and path/;
    expect(await verdict({}, fields(), { ...REQUEST, method: 'GET' })).toMatch(reason);
    expect(await verdict({}, fields(), { ...REQUEST, target: REQUEST.target.replace('debit', 'credit') })).toMatch(
      reason,
    );
    expect(await verdict({}, fields(), { ...REQUEST, target: REQUEST.target.replace('action', 'compensate') })).toMatch(
      reason,
    );
  });

  it('whose two signatures are of two calls is not accepted', async () => {
    const [one, other] = [fields(), signerOf(SECRET).sign({ ...REQUEST, body: '{"amount":31}' })];
    expect(
      await verdict(
        {},
        { ...one, 'holdfast-signature': other['holdfast-signature'], 'holdfast-nonce': other['holdfast-nonce'] },
      ),
    ).toMatch(/not signed for this method and path/);
  });

  it('is accepted once; a request that is sent again has another signature', async () => {
    const verifier = verifierOf({});
    const signer = signerOf(SECRET);
    const first = signer.sign(REQUEST);
    expect(await verdict({}, first, REQUEST, verifier)).toBe('accepted');
    expect(await verdict({}, first, REQUEST, verifier)).toMatch(/^the call was received before/);
    expect(await verdict({}, signer.sign(REQUEST), REQUEST, verifier)).toBe('accepted');
  });

  it('that was not accepted does not count as received', async () => {
    const verifier = verifierOf({});
    const call = fields();
    expect(await verdict({}, call, { ...REQUEST, body: 'changed' }, verifier)).not.toBe('accepted');
    expect(await verdict({}, call, REQUEST, verifier)).toBe('accepted');
  });

  it.each([
    [-300, 'accepted'],
    [300, 'accepted'],
    [-301, "the call's timestamp is 301 s behind the clock of this participant, which allows 300 s"],
    [301, "the call's timestamp is 301 s ahead of the clock of this participant, which allows 300 s"],
  ])('that is %i s off is judged by the window of 300 s', async (offS, expected) => {
    const signed = signerOf(SECRET, NOW_MS + offS * 1_000).sign(REQUEST);
    expect(await verdict({}, signed)).toContain(expected);
  });

  it('signed with another key receives no reason about clocks', async () => {
    const signed = signerOf(OTHER_SECRET, NOW_MS - 3_600_000).sign(REQUEST);
    expect(await verdict({}, signed)).not.toContain('clock');
  });

  it('for another host is rejected by a participant that lists its hosts', async () => {
    expect(await verdict({ hosts: ['bank-a:8080'] }, fields())).toBe('accepted');
    expect(await verdict({ hosts: ['bank-b:8080'] }, fields())).toContain('signed for another host');
    expect(await verdict({ hosts: ['bank-b:8080', 'bank-a:8080'] }, fields())).toBe('accepted');
  });

  it.each([
    ['Bank-A:8080', 'bank-a:8080'],
    ['bank-a:8080', 'BANK-A:8080'],
    ['bank-a:80', 'bank-a'],
    ['bank-a:443', 'bank-a'],
    ['bänk:9000', 'xn--bnk-qla:9000'],
    ['[FD00:0::1]:9000', '[fd00::1]:9000'],
  ])('for the host %s in another spelling (%s) is accepted', async (listed, host) => {
    const signed = signerOf(SECRET).sign({ ...REQUEST, host });
    expect(await verdict({ hosts: [listed] }, signed)).toBe('accepted');
  });

  it.each(['http://bank-a:8080', 'bank-a:8080/debit', '', 'a@b', 'bank-a:port', 'bank a', 7])(
    'is not verified by a participant whose host is %j: it is set up with a TypeError',
    (host) => {
      expect(() => verifierOf({ hosts: ['ok', host as string] })).toThrow(
        new TypeError('verify: hosts[1] must be a host with its port, such as bank-a:8080'),
      );
      expect(() => verifierOf({ hosts: [] })).toThrow('verify: hosts must have at least one host');
    },
  );

  it('behind a proxy that changes the path is verified by the path that the coordinator called', async () => {
    const received = { ...REQUEST, target: REQUEST.target.slice('/debit'.length) };
    expect(await verdict({ target: (path) => `/debit${path}` }, fields(), received)).toBe('accepted');
  });

  it('is verified by a store of received calls of the application, which is given the time to keep it', async () => {
    const added: unknown[] = [];
    const replays = { add: async (...call: unknown[]) => added.push(call) === 1 };
    expect(await verdict({ replays }, fields())).toBe('accepted');
    expect(added).toEqual([[expect.stringMatching(/^[\w-]+$/), 600_000, NOW_MS]]);
    expect(await verdict({ replays }, fields())).toMatch(/received before/);
  });

  it('of 1 MB and without a body are accepted', async () => {
    for (const body of [new Uint8Array(1024 * 1024).fill(65), '', new Uint8Array()]) {
      const request = { ...REQUEST, body };
      expect(await verdict({}, signerOf(SECRET).sign(request), request)).toBe('accepted');
    }
  });
});

describe('signatures that any client can write', () => {
  const anySignature = `v1a,${Buffer.alloc(64, 1).toString('base64')}`;
  const many = Array.from({ length: 16 }, () => anySignature).join(' ');
  const request = { ...REQUEST, body: new Uint8Array(1024 * 1024) };

  it('cost less time than one valid call, however long the body is', async () => {
    const keys = [WHPK, PUBLIC_PEM];
    const forged = { ...signerOf(WHSK).sign(request), 'webhook-signature': many, 'holdfast-signature': many };
    const valid = Array.from({ length: 5 }, () => signerOf(WHSK).sign(request));
    const cpuOf = async (calls: readonly Readonly<Record<string, string>>[], expected: string): Promise<number> => {
      const before = process.cpuUsage();
      for (const call of calls) expect(await verdict({ keys }, call, request)).toContain(expected);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const ofValid = await cpuOf(valid, 'accepted');
    expect(await cpuOf([forged], 'no signature of the call is valid')).toBeLessThan(ofValid);
  });

  it('before those of a key, or without a pair, do not hide them', async () => {
    const signed = signerOf(WHSK).sign(request);
    const after = (header: keyof SignatureFields) => `${anySignature} ${signed[header]} ${anySignature}`;
    const both = { 'webhook-signature': after('webhook-signature'), 'holdfast-signature': after('holdfast-signature') };
    expect(await verdict({ keys: [WHPK] }, { ...signed, ...both }, request)).toBe('accepted');
    const alone = { ...signed, 'holdfast-signature': anySignature };
    expect(await verdict({ keys: [WHPK] }, alone, request)).toMatch(/signed with another key or for another method/);
  });
});

describe('while keys are replaced', () => {
  it('all keys sign, in their order, and either one is enough', async () => {
    const signed = signerOf(`${SECRET}\n${WHSK}\n${OTHER_SECRET}`).sign(REQUEST);
    expect(signed['webhook-signature']).toMatch(/^v1,\S+ v1a,\S+ v1,\S+$/);
    expect(signed['holdfast-signature']).toMatch(/^v1,\S+ v1a,\S+ v1,\S+$/);
    for (const key of [SECRET, WHPK, OTHER_SECRET]) expect(await verdict({ keys: [key] }, signed)).toBe('accepted');
  });

  it('a participant accepts calls by the old and the new key', async () => {
    const keys = [OTHER_SECRET, SECRET];
    expect(await verdict({ keys }, signerOf(SECRET).sign(REQUEST))).toBe('accepted');
    expect(await verdict({ keys }, signerOf(OTHER_SECRET).sign(REQUEST))).toBe('accepted');
  });

  it('a participant follows its function of keys', async () => {
    let keys = [SECRET];
    const verifier = verifierOf({ keys: () => keys });
    expect(await verdict({}, signerOf(SECRET).sign(REQUEST), REQUEST, verifier)).toBe('accepted');
    keys = [OTHER_SECRET];
    expect(await verdict({}, signerOf(SECRET).sign(REQUEST), REQUEST, verifier)).toMatch(/no signature/);
    expect(await verdict({}, signerOf(OTHER_SECRET).sign(REQUEST), REQUEST, verifier)).toBe('accepted');
  });
});
