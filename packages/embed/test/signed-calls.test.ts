import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCallVerifier, grpcTarget } from '@holdfast/client';
import { branch } from '@holdfast/client/node-http';
import { embed, type EmbedOptions } from '@holdfast/embed';
import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { expect, it, onTestFinished } from 'vitest';
import { SILENT } from './support/silent.ts';

const OPTIONS = { store: 'memory:', logger: SILENT, drainMs: 0 } as const satisfies EmbedOptions;
const SECRET = `whsec_${Buffer.alloc(32, 'secret-one-').toString('base64')}`;
const NEW_SECRET = `whsec_${Buffer.alloc(32, 'secret-two-').toString('base64')}`;

/** A participant that verifies its calls by these keys. */
async function bank(keys: readonly string[]) {
  const calls: string[] = [];
  const errors: string[] = [];
  const serve = branch(({ gid, op }) => void calls.push(`${gid} ${op}`), {
    verify: { keys },
    onError: (error) => errors.push(String(error)),
  });
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/call`, calls, errors };
}

/** The op of a call over gRPC, verified. */
async function verifiedOp({ path, metadata, message }: GrpcParticipant['seen'][number]): Promise<string> {
  const fields = ['gid', 'trans_type', 'branch_id', 'op', 'holdfast_run'].flatMap((name) => {
    const value = metadata[`dtm-${name}`];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  const verifier = createCallVerifier({ keys: [SECRET] });
  const stated = verifier.read((name) => metadata[name]);
  await verifier.verify(stated, { method: 'POST', target: grpcTarget(path, fields), body: message });
  return String(metadata['dtm-op']);
}

it("signs the coordinator's calls and those of the process's code with signingKeys", async () => {
  const { url, calls, errors } = await bank([SECRET]);
  await using grpc = await GrpcParticipant.start();
  await using hf = await embed({ ...OPTIONS, signingKeys: [SECRET] });
  for (const [index, action] of [url, `grpc://${grpc.url('TransIn')}`].entries()) {
    await hf.saga(`saga-${index}`).step({ action, compensate: null, payload: {} }).submit({ wait: true });
    const branchUrls = { try: action, confirm: action, cancel: action, payload: {} };
    await hf.tcc((tx) => tx.call(branchUrls), { gid: `tcc-${index}`, wait: true });
  }
  expect([errors, calls]).toEqual([[], ['saga-0 action', 'tcc-0 try', 'tcc-0 confirm']]);
  expect(await Promise.all(grpc.seen.map(verifiedOp))).toEqual(['action', 'try', 'confirm']);
});

it('signs with other keys as soon as the function signingKeys returns them', async () => {
  const { url: action, calls, errors } = await bank([NEW_SECRET]);
  let keys = [SECRET];
  await using hf = await embed({
    ...OPTIONS,
    signingKeys: () => keys,
    engine: { retryIntervalMs: 20, maxRetryIntervalMs: 20 },
  });
  const { gid } = await hf.saga().step({ action, compensate: action }).submit();
  await expect.poll(() => errors.length, { timeout: 20_000 }).toBeGreaterThan(0);
  keys = [NEW_SECRET, SECRET];
  await hf.wait(gid, { timeoutMs: 20_000 });
  expect([calls, (await hf.get(gid))?.status]).toEqual([[`${gid} action`], 'succeed']);
});

it.each([
  [[], 'embed(): signingKeys must have at least one key'],
  [['nonsense'], 'embed(): signingKeys[0] line 1 is not a key'],
  [[SECRET, 'whpk_'], 'embed(): signingKeys[1] line 1 is a public key'],
])('rejects the signing keys %j, and names no part of them', async (signingKeys, message) => {
  const started = embed({ ...OPTIONS, signingKeys });
  await expect(started).rejects.toThrow(TypeError);
  await expect(started).rejects.toThrow(message);
});
