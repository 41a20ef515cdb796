import { GrpcParticipant } from '@holdfast/testing/grpc-participant';
import { startServer } from '@holdfast/server';
import { describe, expect, it, vi } from 'vitest';
import { BranchFailure, createCallVerifier, grpcTarget, newGid, parseCallId } from '../../src/index.ts';
import { workflowCallback } from '../../src/workflow/callback.ts';
import { branch, checkBack } from '../../src/participants/node-http.ts';
import { OTHER_SECRET, PRIVATE_PEM, PUBLIC_PEM, SECRET } from './keys.ts';
import { coordinator, fileWith, participant, type Received, recorder, serving } from './world.ts';

/** Verifies a request as an application without the participant's side of the SDK does. */
async function verified({ method, target, headers, body }: Received, key = SECRET): Promise<void> {
  const verifier = createCallVerifier({ keys: [key] });
  await verifier.verify(
    verifier.read((name) => headers[name]),
    { method, target, body },
  );
}

const idsOf = (received: readonly Received[]) => received.map(({ headers }) => headers['webhook-id']);

const untilFinished = (hf: Awaited<ReturnType<typeof coordinator>>['hf'], gid: string) =>
  hf.wait(gid, { timeoutMs: 20_000 });

/** Prepares a message as dtm's clients do, and leaves it: the coordinator checks it back. */
async function prepare(server: string, gid: string, query_prepared: string, action: string): Promise<void> {
  const message = { gid, trans_type: 'msg', query_prepared, steps: [{ action }], payloads: ['{}'], timeout_to_fail: 1 };
  await fetch(`${server}/api/dtmsvr/prepare`, { method: 'POST', body: JSON.stringify(message) });
}

describe.each(['own', 'undici'] as const)('with --branch-client %s', (branchClient) => {
  it('the branches of a saga are signed: with a payload, without one, and a compensation', async () => {
    const { hf } = await coordinator(SECRET, { branchClient });
    const bank = await participant({ keys: [SECRET] }, ({ branchId, op }) => {
      if (branchId === '03' && op === 'action') throw new BranchFailure('sold out');
    });
    const step = (payload?: unknown) => ({
      action: `${bank.url}/do?account=a%27b`,
      compensate: `${bank.url}/undo`,
      ...(payload !== undefined && { payload }),
    });
    const saga = hf
      .saga()
      .step(step({ amount: 30 }))
      .step(step())
      .step(step(1));
    await expect(saga.submit({ wait: true })).rejects.toThrow('sold out');
    expect(bank.errors).toEqual([]);
    expect(bank.calls).toHaveLength(6);
  });

  it('the ID has the number of the attempt, and the timestamp is of the attempt', async () => {
    const { hf } = await coordinator(SECRET, { branchClient });
    const bank = await recorder((response, { headers }) => {
      response.writeHead(headers['webhook-id']?.toString().endsWith('.3') === true ? 200 : 500).end();
    });
    const gid = newGid();
    await hf
      .saga(gid)
      .step({ action: `${bank.url}/a`, compensate: null })
      .submit({ wait: true });
    expect(idsOf(bank.received)).toEqual([1, 2, 3].map((attempt) => `${gid}.01.action.${attempt}`));
    for (const request of bank.received) await verified(request);
  });

  it('a JSON-RPC branch is signed over the whole request', async () => {
    const { server, hf } = await coordinator(SECRET, { branchClient });
    const bank = await recorder((response) => response.end('{"jsonrpc":"2.0","id":"1","result":"SUCCESS"}'));
    const gid = newGid();
    const response = await fetch(`${server.url}/api/dtmsvr/submit`, {
      method: 'POST',
      body: JSON.stringify({
        gid,
        trans_type: 'saga',
        protocol: 'json-rpc',
        steps: [{ action: `${bank.url}/rpc?method=debit`, compensate: '' }],
        payloads: ['{"to":"Grüße 🎉"}'],
      }),
    });
    expect(response.status).toBe(200);
    await untilFinished(hf, gid);
    expect(bank.received).toHaveLength(1);
    const [request] = bank.received as [Received];
    await verified(request);
    const changed = Buffer.from(request.body.toString().replace('"op":"action"', '"op":"cancel"'));
    await expect(verified({ ...request, body: changed })).rejects.toThrow('its body was changed');
  });

  it("a check-back by GET is signed, of dtm's clients too", async () => {
    const { server, hf } = await coordinator(SECRET, { branchClient, timeoutToFail: 1 });
    const bank = await recorder();
    const gid = newGid();
    await prepare(server.url, gid, `${bank.url}/check`, `${bank.url}/credit`);
    await untilFinished(hf, gid);
    expect(bank.received.map(({ method, headers }) => [method, headers['webhook-id']])).toEqual([
      ['GET', `${gid}.00.msg.1`],
      ['POST', `${gid}.01.action.1`],
    ]);
    for (const request of bank.received) await verified(request);
  });

  it('a body of 1 MB is signed as it is sent', async () => {
    const { hf } = await coordinator(SECRET, { branchClient });
    const bank = await participant({ keys: [SECRET] });
    const saga = hf.saga().step({ action: bank.url, compensate: null, payload: 'ü'.repeat(500_000) });
    await saga.submit({ wait: true });
    expect([bank.calls.length, bank.errors]).toEqual([1, []]);
  });

  it.each(["it's.a gid!(*)", 'Grüße', 'a%2Eb.01', '%', '\u00ff'.repeat(128), '🎉+&=#?/'])(
    'a call with the gid %s is signed under an ID from which it can be read',
    async (gid) => {
      const { hf } = await coordinator(SECRET, { branchClient });
      const seen = await recorder();
      const bank = await participant({ keys: [SECRET] });
      await hf
        .saga(gid)
        .step({ action: `${bank.url}/a?x='y'`, compensate: null })
        .step({ action: seen.url, compensate: null })
        .submit({ wait: true });
      expect([bank.calls, bank.errors]).toEqual([[`${gid} 01 action`], []]);
      expect(idsOf(seen.received).map((id) => parseCallId(String(id)))).toEqual([
        { gid, branchId: '02', op: 'action', attempt: 1 },
      ]);
    },
  );

  it('headers of a transaction cannot replace those of the signature', async () => {
    const { hf } = await coordinator(SECRET, { branchClient });
    const bank = await recorder();
    const forged = {
      'Webhook-ID': 'forged',
      'webhook-signature': 'v1,forged',
      'Holdfast-Nonce': 'forged',
      'x-mine': '1',
    };
    await hf
      .saga()
      .options({ branchHeaders: forged })
      .step({ action: bank.url, compensate: null })
      .submit({ wait: true });
    const [request] = bank.received as [Received];
    await verified(request);
    expect([request.rawHeaders.join(' ').includes('forged'), request.headers['x-mine']]).toEqual([false, '1']);
  });

  it('a request that is sent again over a new connection is not taken for a replay', async () => {
    const { hf } = await coordinator(SECRET, { branchClient });
    const verifier = createCallVerifier({ keys: [SECRET] });
    const reasons: string[] = [];
    let requests = 0;
    const url = await serving(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = '', url: target = '', headers } = request;
      const stated = verifier.read((name) => headers[name]);
      await verifier.verify(stated, { method, target, body: Buffer.concat(chunks) }).catch((error: unknown) => {
        reasons.push(String(error));
      });
      // The second request uses the connection of the first, which is lost without a response.
      if (++requests === 2) request.socket.destroy();
      else response.end('{}');
    });
    const step = { action: `${url}/a`, compensate: null, payload: {} };
    await hf.saga().step(step).step(step).submit({ wait: true });
    expect([requests, reasons]).toEqual([3, []]);
  });
});

describe('a coordinator with a signing key', () => {
  it('signs branches over gRPC: message, method and metadata', async () => {
    const { server, hf } = await coordinator(SECRET);
    await using bank = await GrpcParticipant.start();
    const gid = 'a gid.with dots';
    await hf
      .saga(gid)
      .step({ action: `grpc://${bank.address}/busi.Busi/TransIn`, compensate: null, payload: { amount: 30 } })
      .submit({ wait: true });
    expect(server.url).not.toBe('');
    const [{ path, metadata, message }] = bank.seen as [(typeof bank.seen)[number]];
    const verifier = createCallVerifier({ keys: [SECRET], hosts: [bank.address] });
    const fields = Object.entries({ gid, trans_type: 'saga', branch_id: '01', op: 'action' });
    await verifier.verify(
      verifier.read((name) => metadata[name]),
      { method: 'POST', target: grpcTarget(path, fields), body: message },
    );
    expect(metadata['webhook-id']).toBe('a%20gid%2Ewith%20dots.01.action.1');
  });

  it('signs callbacks of workflows, and the SDK signs the calls of its code', async () => {
    const { hf } = await coordinator(SECRET, { timeoutToFail: 1 }, { signingKeys: [SECRET] });
    const verify = { keys: [SECRET] };
    const bank = await participant(verify, () => ({ receipt: 7 }));
    const errors: string[] = [];
    const callback = branch(workflowCallback(hf), { verify, onError: (error) => errors.push(String(error)) });
    const callbacks: string[] = [];
    const callbackUrl = await serving(async (request, response) => {
      callbacks.push(String(request.headers['webhook-id']));
      await callback(request, response);
    });
    let isFirst = true;
    const transfer = hf.workflow('transfer', { version: 1, callbackUrl }, async (flow) => {
      await flow.call('debit', { action: `${bank.url}/debit`, compensate: `${bank.url}/refund`, payload: {} });
      if (isFirst) {
        isFirst = false;
        throw new Error('the process is in trouble');
      }
    });
    const gid = newGid();
    await transfer.run(undefined, { gid }).catch(() => undefined);
    await untilFinished(hf, gid);
    expect([bank.errors, errors, bank.calls.length]).toEqual([[], [], 1]);
    expect(callbacks[0]).toBe(`${gid}.00.transfer.1`);
  });

  it('signs the confirms of a tcc; its tries are signed by the SDK with the same keys', async () => {
    const { hf } = await coordinator(SECRET, {}, { signingKeys: [SECRET] });
    const bank = await participant({ keys: [SECRET] });
    const urls = { try: `${bank.url}/try`, confirm: `${bank.url}/confirm`, cancel: `${bank.url}/cancel` };
    await hf.tcc((tx) => tx.call({ ...urls, payload: { seat: 1 } }));
    await vi.waitFor(() => expect(bank.calls).toHaveLength(2), { timeout: 20_000 });
    expect(bank.errors).toEqual([]);
    expect(bank.calls.map((call) => call.split(' ').at(-1))).toEqual(['try', 'confirm']);
  });

  it('serves a check-back of the SDK to a participant that verifies', async () => {
    const { hf, server } = await coordinator(SECRET, { timeoutToFail: 1 });
    const errors: string[] = [];
    const barrier = { checkBack: async () => 'committed' as const };
    const serve = checkBack(barrier, { verify: { keys: [SECRET] }, onError: (error) => errors.push(String(error)) });
    const checked = await serving(serve);
    const bank = await participant({ keys: [SECRET] });
    const gid = newGid();
    await prepare(server.url, gid, `${checked}/check`, `${bank.url}/credit`);
    await untilFinished(hf, gid);
    expect([errors, bank.calls]).toEqual([[], [`${gid} 01 action`]]);
  });

  it('signs alerts, each delivery of an alert under the same ID', async () => {
    let deliveries = 0;
    const hook = await recorder((response) => response.writeHead(++deliveries === 1 ? 500 : 200).end());
    const { hf } = await coordinator(SECRET, { alertAfterRetries: 1, alertWebhook: `${hook.url}/alerts?to=me` });
    const bank = await recorder((response) => response.writeHead(500).end());
    const gid = newGid();
    await hf.saga(gid).step({ action: bank.url, compensate: null }).submit();
    await vi.waitFor(() => expect(hook.received.length).toBeGreaterThanOrEqual(2), { timeout: 20_000 });
    const [first, second] = hook.received as [Received, Received];
    await verified(first);
    await verified(second);
    expect([first.target, parseCallId(String(first.headers['webhook-id']))]).toEqual([
      '/alerts?to=me',
      { gid, branchId: '01 action', op: 'alert', attempt: expect.any(Number) },
    ]);
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
    expect(second.headers['holdfast-nonce']).not.toBe(first.headers['holdfast-nonce']);
  });

  it('retries a call that a participant rejects, and never compensates for it', async () => {
    const { hf } = await coordinator(SECRET);
    let keys = [OTHER_SECRET];
    const bank = await participant({ keys: () => keys });
    const gid = newGid();
    await hf
      .saga(gid)
      .step({ action: bank.url, compensate: `${bank.url}/undo` })
      .submit();
    await vi.waitFor(() => expect(bank.errors.length).toBeGreaterThan(1), { timeout: 20_000 });
    expect((await hf.get(gid))?.status).toBe('submitted');
    expect(JSON.stringify(await hf.get(gid))).toContain('no signature of the call is valid');
    keys = [OTHER_SECRET, SECRET];
    await untilFinished(hf, gid);
    expect([bank.calls, (await hf.get(gid))?.status]).toEqual([[`${gid} 01 action`], 'succeed']);
  });

  it('signs with all keys of its file, and with others as soon as the file has changed', async () => {
    const { hf, file, server, logged } = await coordinator(SECRET);
    const bank = await recorder();
    const call = async (): Promise<Received> => {
      await hf.saga().step({ action: bank.url, compensate: null }).submit({ wait: true });
      return bank.received.at(-1) as Received;
    };
    await verified(await call());
    await file.write(`${SECRET}\n${PRIVATE_PEM}`);
    await server.reload();
    const both = await call();
    await verified(both, SECRET);
    await verified(both, PUBLIC_PEM);
    await file.write('whsec_nonsense!');
    await server.reload();
    await verified(await call(), PUBLIC_PEM);
    expect(logged()).toContain('line 1 is not base64 after its prefix; the previous content stays in use');
    await file.write(PRIVATE_PEM);
    await server.reload();
    const last = await call();
    await verified(last, PUBLIC_PEM);
    await expect(verified(last, SECRET)).rejects.toThrow('no signature');
  });

  it.each([
    ['', 'it is empty'],
    ['secret', 'line 1 is not a key: a key begins with whsec_ or whsk_, or is a PEM block'],
    [PUBLIC_PEM, 'has a PEM block that is not a private key'],
  ])('does not start with a malformed one: %#', async (text, fault) => {
    const { path } = await fileWith(text);
    const starting = startServer({ store: 'memory:', httpPort: 0, signingKeyFile: [path] });
    await expect(starting).rejects.toThrow(`--signing-key-file ${path}: ${fault}`);
  });

  it('does not start without its file, and names the second of two files if that one is wrong', async () => {
    const { path } = await fileWith(SECRET);
    const starting = startServer({ store: 'memory:', httpPort: 0, signingKeyFile: [path, `${path}-2`] });
    await expect(starting).rejects.toThrow(`--signing-key-file ${path}-2: there is no such file`);
  });

  it('shows its keys nowhere: not in logs, metrics, transactions, or what a participant echoes', async () => {
    const { hf, server, logged } = await coordinator(`${SECRET}\n${PRIVATE_PEM}`, { alertAfterRetries: 1 });
    const bank = await recorder((response, { headers }) => response.writeHead(500).end(JSON.stringify(headers)));
    const gid = newGid();
    await hf.saga(gid).step({ action: bank.url, compensate: null }).submit();
    await vi.waitFor(() => expect(bank.received.length).toBeGreaterThan(2), { timeout: 20_000 });
    const metrics = await (await fetch(`${server.url}/api/metrics`)).text();
    const dtm = await (await fetch(`${server.url}/api/dtmsvr/query?gid=${gid}`)).text();
    const shown = [logged(), metrics, dtm, JSON.stringify(await hf.get(gid)), JSON.stringify(await hf.list({}))].join();
    const pem = PRIVATE_PEM.split('\n')[1] ?? '';
    for (const secret of [SECRET.slice(6, 26), pem.slice(-20)]) expect(shown).not.toContain(secret);
    expect(logged()).toContain('calls of branches and webhooks are signed');
  });
});

describe('a coordinator without a signing key', () => {
  it('sends no header of a signature, and passes those of a transaction on', async () => {
    const { hf } = await coordinator('', { signingKeyFile: [] });
    const bank = await recorder();
    const branchHeaders = { 'webhook-id': 'mine' };
    await hf.saga().options({ branchHeaders }).step({ action: bank.url, compensate: null }).submit({ wait: true });
    const names = Object.keys((bank.received[0] as Received).headers);
    expect(names.filter((name) => /^(?:webhook|holdfast)-/.test(name))).toEqual(['webhook-id']);
  });
});
