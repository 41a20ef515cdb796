import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  branchResult,
  MAX_REASON_LENGTH,
  RESULTS,
  resultOfGrpc,
  resultOfHttp,
  resultOfJsonRpc,
  resultOfLongHttp,
  resultOfUnframedHttp,
} from '@holdfast/protocol';

const status = fc.integer({ min: 200, max: 599 });
const wordless = fc.string().filter((text) => !/FAILURE|ONGOING/.test(text));
const word = fc.constantFrom('FAILURE', 'ONGOING');
const STATUS_KINDS: Readonly<Record<number, string>> = {
  200: 'SUCCESS',
  201: 'SUCCESS',
  204: 'SUCCESS',
  202: 'ONGOING',
  425: 'ONGOING',
  409: 'FAILURE',
};

describe('the result of an HTTP response', () => {
  it('is decided by the status when the body contains neither word', () => {
    fc.assert(
      fc.property(status, wordless, (code, body) => {
        expect(resultOfHttp(code, body).kind).toBe(STATUS_KINDS[code] ?? 'UNKNOWN');
      }),
    );
  });

  it('is UNKNOWN for every redirect', () => {
    for (let code = 300; code < 400; code++) expect(resultOfHttp(code, '').kind).toBe('UNKNOWN');
  });

  it("is dtm's word on any status when a JSON body has it as dtm_result", () => {
    fc.assert(
      fc.property(status, word, fc.dictionary(fc.string(), fc.jsonValue()), (code, specified, others) => {
        expect(resultOfHttp(code, JSON.stringify({ ...others, dtm_result: specified })).kind).toBe(specified);
      }),
    );
  });

  it("is dtm's word on any status when a body that is not JSON contains it", () => {
    fc.assert(
      fc.property(status, word, wordless, wordless, (code, specified, before, after) => {
        // No JSON begins like this.
        expect(resultOfHttp(code, `!${before}${specified}${after}`).kind).toBe(specified);
      }),
    );
  });

  it('is not the word in an error page, unless the status is one of success', () => {
    const page = '<html><title>401 AUTHENTICATION FAILURE</title></html>';
    fc.assert(
      fc.property(status, fc.constantFrom('', ' ', '\r\n', '\ufeff'), (code, before) => {
        const isSuccess = code >= 200 && code < 300;
        const expected = isSuccess ? 'FAILURE' : (STATUS_KINDS[code] ?? 'UNKNOWN');
        expect(resultOfHttp(code, before + page).kind).toBe(expected);
        expect(resultOfLongHttp(code, before + page, 'FAILURE').kind).toBe(expected);
      }),
    );
  });

  it('does not take a word for the result that a JSON body merely mentions elsewhere', () => {
    fc.assert(
      fc.property(status, word, fc.string(), (code, specified, text) => {
        for (const body of [
          { note: `${text}${specified}` },
          [specified],
          { dtm_result: 'SUCCESS', note: specified },
          { nested: { dtm_result: specified } },
        ])
          expect(resultOfHttp(code, JSON.stringify(body)).kind).toBe(STATUS_KINDS[code] ?? 'UNKNOWN');
      }),
    );
  });

  it('is ONGOING when the body contains both ONGOING and FAILURE', () => {
    expect(resultOfHttp(200, 'FAILURE or ONGOING').kind).toBe('ONGOING');
    expect(resultOfHttp(409, 'ONGOING').kind).toBe('ONGOING');
  });

  it('is the word that is the whole JSON text, and reads past a byte order mark', () => {
    expect(resultOfHttp(200, '"FAILURE"').kind).toBe('FAILURE');
    expect(resultOfHttp(200, '\ufeff{"note":"FAILURE"}').kind).toBe('SUCCESS');
  });

  it('has the body as reason of a failure, and names the status where there is nothing better', () => {
    expect(resultOfHttp(409, '{"message":"sold out"}').reason).toBe('{"message":"sold out"}');
    expect(resultOfHttp(409, '').reason).toBe('HTTP 409');
    expect(resultOfHttp(503, 'try later').reason).toBe('HTTP 503: try later');
    expect(resultOfHttp(200, 'all well').reason).toBe('');
  });
});

describe('the result of an HTTP response that only the end of its connection ended', () => {
  it('counts when the body is whole JSON', () => {
    expect(resultOfUnframedHttp(200, '{"dtm_result":"SUCCESS"}').kind).toBe('SUCCESS');
    expect(resultOfUnframedHttp(200, '\ufeff{"dtm_result":"FAILURE"}').kind).toBe('FAILURE');
    expect(resultOfUnframedHttp(409, '{"dtm_result":"ONGOING"}').kind).toBe('ONGOING');
    expect(resultOfUnframedHttp(200, '"done"').kind).toBe('SUCCESS');
  });

  it('is never a success when it is the beginning of another response', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(200, 201, 202), fc.nat(), (json, code, at) => {
        const whole = JSON.stringify({ data: json, dtm_result: 'FAILURE' });
        expect(resultOfUnframedHttp(code, whole.slice(0, at % whole.length)).kind).toBe('UNKNOWN');
      }),
    );
  });

  it.each(['', 'ok', 'FAILURE', '1', 'true', 'null', '{"note":"FAILURE"'])('is UNKNOWN with the body %j', (body) => {
    const result = resultOfUnframedHttp(200, body);
    expect(result.kind).toBe('UNKNOWN');
    expect(result.reason).toContain('Content-Length');
  });

  it('is decided by the statuses that need no body', () => {
    expect(resultOfUnframedHttp(409, 'sold out')).toEqual({ kind: 'FAILURE', reason: 'sold out' });
    expect(resultOfUnframedHttp(409, '').reason).toBe('HTTP 409');
    expect(resultOfUnframedHttp(425, '').kind).toBe('ONGOING');
  });

  it('is UNKNOWN when only a part was kept, even if the part is JSON', () => {
    expect(resultOfUnframedHttp(200, '{}', true).kind).toBe('UNKNOWN');
  });
});

describe('the result of an HTTP response that was too long to be kept', () => {
  it('is the word that was found in it, otherwise that of the status', () => {
    expect(resultOfLongHttp(200, '{"a":', 'FAILURE')).toEqual({ kind: 'FAILURE', reason: '{"a":' });
    expect(resultOfLongHttp(409, '{"a":', 'ONGOING').kind).toBe('ONGOING');
    expect(resultOfLongHttp(200, '{"a":', undefined)).toEqual({ kind: 'SUCCESS', reason: '' });
    expect(resultOfLongHttp(500, '{"a":', undefined).reason).toBe('HTTP 500: {"a":');
  });
});

describe('the result of a JSON-RPC response', () => {
  const responseOf = (fields: object): string => JSON.stringify({ jsonrpc: '2.0', id: 'x', ...fields });

  it.each(['', 'not JSON', responseOf({ result: 1 }), responseOf({ error: { code: -32902, message: 'ONGOING' } })])(
    'is FAILURE with HTTP 409, whatever the body: %j',
    (body) => {
      expect(resultOfJsonRpc(409, body).kind).toBe('FAILURE');
    },
  );

  it("is decided by the error's code, whatever the status and the message are", () => {
    fc.assert(
      fc.property(
        status.filter((code) => code !== 409),
        fc.string(),
        fc.integer(),
        (code, message, other) => {
          fc.pre(other !== -32901 && other !== -32902);
          expect(resultOfJsonRpc(code, responseOf({ error: { code: -32901, message } })).kind).toBe('FAILURE');
          expect(resultOfJsonRpc(code, responseOf({ error: { code: -32902, message } })).kind).toBe('ONGOING');
          expect(
            resultOfJsonRpc(code, responseOf({ error: { code: other, message: `FAILURE ${message}` } })).kind,
          ).toBe('UNKNOWN');
        },
      ),
    );
  });

  it('is a success when there is no error, or a null one', () => {
    expect(resultOfJsonRpc(200, responseOf({ result: { balance: 5 } })).kind).toBe('SUCCESS');
    expect(resultOfJsonRpc(200, responseOf({ result: null, error: null })).kind).toBe('SUCCESS');
    expect(resultOfJsonRpc(200, responseOf({})).kind).toBe('SUCCESS');
  });

  it("counts dtm's words in the result as over HTTP, and the status after them", () => {
    expect(resultOfJsonRpc(200, responseOf({ result: { dtm_result: 'FAILURE' } })).kind).toBe('FAILURE');
    expect(resultOfJsonRpc(200, responseOf({ result: 'ONGOING' })).kind).toBe('ONGOING');
    expect(resultOfJsonRpc(200, responseOf({ result: { note: 'FAILURE' } })).kind).toBe('SUCCESS');
    expect(resultOfJsonRpc(500, responseOf({ result: 1 })).kind).toBe('UNKNOWN');
    expect(resultOfJsonRpc(200, '{"dtm_result":"FAILURE"}').kind).toBe('FAILURE');
  });

  it.each(['', 'FAILURE', 'null', '7', '[]', '"FAILURE"', '{'])(
    'is UNKNOWN when the body is %j, which is not a JSON-RPC response',
    (body) => {
      expect(resultOfJsonRpc(200, body).kind).toBe('UNKNOWN');
    },
  );
});

describe('the result of a gRPC response', () => {
  it('is decided by the code alone, except that Aborted with ONGOING is ONGOING', () => {
    expect(resultOfGrpc(0, 'FAILURE').kind).toBe('SUCCESS');
    expect(resultOfGrpc(10, 'sold out').kind).toBe('FAILURE');
    expect(resultOfGrpc(10, 'ONGOING').kind).toBe('ONGOING');
    expect(resultOfGrpc(9, '').kind).toBe('ONGOING');
    for (const code of [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16])
      expect(resultOfGrpc(code, 'FAILURE').kind).toBe('UNKNOWN');
  });
});

describe('any response', () => {
  const anyBody = fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary', minLength: 900, maxLength: 1_200 }));

  it('becomes one of the four results with a bounded reason, never an exception', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), anyBody, (code, body) => {
        for (const result of [resultOfHttp(code, body), resultOfJsonRpc(code, body), resultOfGrpc(code, body)]) {
          expect(RESULTS).toContain(result.kind);
          expect(result.reason.length).toBeLessThanOrEqual(MAX_REASON_LENGTH);
          expect(result.kind !== 'SUCCESS' || result.reason === '').toBe(true);
        }
      }),
    );
  });

  it('is cut between characters, not within one', () => {
    const { reason } = branchResult('FAILURE', `${'x'.repeat(MAX_REASON_LENGTH - 2)}😀😀`);
    expect(reason).toBe(`${'x'.repeat(MAX_REASON_LENGTH - 2)}…`);
    expect(branchResult('FAILURE', '😀'.repeat(MAX_REASON_LENGTH / 2)).reason).toBe('😀'.repeat(MAX_REASON_LENGTH / 2));
  });
});
