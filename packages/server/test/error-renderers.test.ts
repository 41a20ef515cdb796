import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ERROR_CODES,
  ERROR_RULES,
  type ErrorCode,
  HoldfastError,
  JSON_RPC_CODES,
  problemDetails,
} from '@holdfast/protocol';
import { replyOfError } from '../src/http/dtm-replies.ts';
import { problemReply } from '../src/http/problem.ts';
import { TransportServer } from './support/running-server.ts';

/** Any error of the closed set, and anything else that code can throw. */
const errors = fc.oneof(
  fc
    .record({
      code: fc.constantFrom(...ERROR_CODES),
      message: fc.string({ minLength: 1 }),
      gid: fc.option(fc.string(), { nil: undefined }),
      field: fc.option(fc.array(fc.oneof(fc.string(), fc.nat(9)), { minLength: 1, maxLength: 3 }), { nil: undefined }),
    })
    .map(
      ({ code, message, gid, field }) =>
        new HoldfastError(code, message, { ...(gid !== undefined && { gid }), ...(field !== undefined && { field }) }),
    ),
  fc.anything(),
);

const bodyOf = ({ body }: { readonly body: unknown }): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(body as Uint8Array | string).toString()) as Readonly<Record<string, unknown>>;

describe('whatever is thrown', () => {
  it('is a problem of /api/v1 with a status, a code of the closed set and a text', () => {
    fc.assert(
      fc.property(errors, (thrown) => {
        const reply = problemReply(HoldfastError.from(thrown));
        const problem = problemDetails.parse(bodyOf(reply));
        expect(problem.status).toBe(reply.status);
        expect(reply.status).toBeGreaterThanOrEqual(400);
        expect(ERROR_CODES).toContain(problem.code);
        expect([problem.title, problem.detail]).not.toContain('');
        if (problem.field !== undefined) expect(problem.detail.startsWith(`${problem.field}: `)).toBe(true);
      }),
    );
  });

  it("is an error of dtm's REST with a status and a text, and a FAILURE only if it is final", () => {
    fc.assert(
      fc.property(errors, (thrown) => {
        const error = HoldfastError.from(thrown);
        const reply = replyOfError(error);
        expect(reply.status).toBeGreaterThanOrEqual(400);
        const body = bodyOf(reply);
        expect(body['message']).not.toBe('');
        if (body['dtm_result'] === undefined) expect(body['code']).toBe(error.code);
        else expect([body['dtm_result'], reply.status]).toEqual(['FAILURE', 409]);
      }),
    );
  });
});

it.each(ERROR_CODES.map((code) => [code]))('%s has the same words over REST and JSON-RPC', async (code: ErrorCode) => {
  const error = new HoldfastError(code, 'must be something else', { gid: 'g', field: ['steps', 3, 'payload'] });
  await using server = await TransportServer.start({ newGid: () => 'n', submit: () => Promise.reject(error) });
  const body = { gid: 'g', trans_type: 'saga', steps: [], payloads: [] };
  const [rest, rpc] = [await server.dtm('submit', body), await server.rpc('submit', body)];
  expect(rpc.json.error.message).toBe(rest.json.message);
  expect(rest.json.message.startsWith('payloads[3]: ')).toBe(true);
  expect(rpc.json.error.data).toMatchObject({ code, gid: 'g', field: 'payloads[3]' });
  const isFailure = ERROR_RULES[code].dtm === 'FAILURE';
  expect(rpc.json.error.code).toBe(isFailure ? JSON_RPC_CODES.failure : JSON_RPC_CODES.failed);
});
