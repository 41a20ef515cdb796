import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { describeWith } from '@holdfast/testing/describe-with';
import { TestAuthority } from '@holdfast/testing/servers';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { Bank } from '../../src/bank.ts';
import { NO_FAULT } from '../../src/fault.ts';
import { startGrpcParticipants } from '../../src/grpc-participants.ts';
import { type JournalLine, readLines } from '../../src/journal.ts';
import { addressesOf, participantUrls } from '../../src/participant-urls.ts';
import { ParticipantsClient } from '../../src/participants-client.ts';
import { createParticipants } from '../../src/participants.ts';
import type { Protocol } from '../../src/plan.ts';
import { CallCheck } from '../../src/secured/call-check.ts';
import { OwnCallSigner } from '../../src/secured/own-call-signer.ts';
import { newSigningKeys } from '../../src/secured/signing-keys.ts';
import { temporaryFolder } from '../temporary-folder.ts';

interface Started {
  readonly ports: Readonly<Record<Protocol, number>>;
  /** Ends them; resolves to their journal. */
  readonly end: () => Promise<readonly JournalLine[]>;
}

describeWith(['openssl'], 'a secured participant', () => {
  const keys = newSigningKeys();
  let authority: TestAuthority;
  beforeAll(async () => {
    authority = await TestAuthority.create();
  });
  afterAll(() => authority.remove());

  /** New participants. */
  async function start(): Promise<Started> {
    const path = join(temporaryFolder(), 'journal');
    const bank = new Bank(path);
    const { certificateText, keyText } = await authority.issue();
    const calls = new CallCheck(keys);
    const ca = authority.certificateText;
    const ownCalls = { ca, signer: new OwnCallSigner(keys.hmac) };
    const access = { ca, token: () => '' };
    const secured = { certificate: certificateText, key: keyText, calls, access, ownCalls, signingKey: keys.hmac };
    const parts = { bank, initiator: noWorkflows, secured };
    const participants = createParticipants(parts);
    await once(participants.server.listen(0, '127.0.0.1'), 'listening');
    const overGrpc = await startGrpcParticipants(parts);
    const { port } = participants.server.address() as AddressInfo;
    for (const one of [port, overGrpc.port]) calls.acceptHost(`127.0.0.1:${one}`);
    return {
      ports: { http: port, grpc: overGrpc.port },
      async end() {
        await Promise.all([participants.close(), overGrpc.close()]);
        bank.close();
        return readLines<JournalLine>(path).map(({ line }) => line);
      },
    };
  }

  /** One call by a client with this key and authority. Returns its result, and the journal. */
  async function call(protocol: Protocol, key: string, ca: string): Promise<readonly [string, readonly JournalLine[]]> {
    const { ports, end } = await start();
    const client = new ParticipantsClient(1, 2_000, { ca, signer: new OwnCallSigner(key) });
    onTestFinished(() => client.close());
    const urls = participantUrls(addressesOf(ports.http, ports.grpc, true));
    const branch = { branchId: '01', account: 'account-1', amount: 5, protocol, faults: { action: NO_FAULT } };
    const result = await client.post(urls.ownCall('x', branch, 'action'), branch);
    return [result, await end()];
  }

  it.each(['http', 'grpc'] as const)('serves a signed call over %s, and notes the key', async (protocol) => {
    const [result, journal] = await call(protocol, keys.hmac, authority.certificateText);
    expect(result).toBe('success');
    expect(journal).toMatchObject([{ kind: 'call', signedBy: 'hmac' }, { kind: 'commit' }, { kind: 'response' }]);
  });

  it.each(['http', 'grpc'] as const)('rejects a call over %s that was signed with another key', async (protocol) => {
    const [result, journal] = await call(protocol, newSigningKeys().hmac, authority.certificateText);
    expect(result).toBe('unknown');
    expect(journal).toMatchObject([{ kind: 'unverified', gid: 'x', op: 'action', protocol }]);
  });

  it.each(['http', 'grpc'] as const)('is not called over %s by a client of another authority', async (protocol) => {
    await using other = await TestAuthority.create();
    expect(await call(protocol, keys.hmac, other.certificateText)).toEqual(['unknown', []]);
  });

  it('ends although the TLS handshake of a connection never does', async () => {
    const { ports, end } = await start();
    const connections = [connect(ports.http, '127.0.0.1'), connect(ports.grpc, '127.0.0.1')];
    await Promise.all(connections.map((connection) => once(connection, 'connect')));
    const closed = connections.map((connection) => once(connection.resume(), 'close'));
    expect(await end()).toEqual([]);
    await Promise.all(closed);
    // Less than a server of Node waits for the end of a handshake.
  }, 60_000);
});

function noWorkflows(): never {
  throw new Error('no workflow is run');
}
