import { BranchRegistry, BranchRouter, ConnectionPools, HttpProtocol } from '@holdfast/branches';
import type { BranchRequest } from '@holdfast/core';
import type { BranchResult } from '@holdfast/protocol';
import type { Checker } from '../check/checker.ts';
import type { Counters } from '../counters.ts';
import type { Domain } from '../kernel/agenda.ts';
import type { Random } from '../kernel/random.ts';
import type { Trace } from '../kernel/trace.ts';
import type { World } from '../kernel/world.ts';
import { nameOf } from '../parts/case.ts';
import type { Participants } from '../parts/participants.ts';
import type { SimClock } from '../parts/sim-clock.ts';
import type { Profile } from '../profile.ts';
import { SimDns } from './sim-dns.ts';
import { SimHttpClock } from './sim-http-clock.ts';
import { type ReceivedRequest, SimServer } from './sim-server.ts';
import { SimSocket } from './sim-socket.ts';
import { Call, type Use } from './call.ts';

export interface HttpNetworkDependencies {
  readonly world: World;
  readonly random: Random;
  readonly profile: Profile;
  readonly trace: Trace;
  readonly counters: Counters;
  readonly checker: Checker;
  readonly participants: () => Participants;
  readonly isHealed: () => boolean;
}

/** Calls the participants from one node. */
export interface HttpClient {
  call(request: BranchRequest): Promise<BranchResult>;
}

/** The header that identifies a call on the wire. */
const CALL = 'sim-call';
const CONNECT_TIMEOUT_MS = 700;

/**
 * Carries the nodes' calls over HTTP: Holdfast's HTTP client and parser, over simulated sockets and
 * names. Judges each call from the bytes on its connections.
 */
export class HttpNetwork {
  readonly #d: HttpNetworkDependencies;
  readonly #dns: SimDns;
  /** All calls so far; the index is the number in the header. */
  readonly #calls: Call[] = [];

  constructor(dependencies: HttpNetworkDependencies) {
    this.#d = dependencies;
    this.#dns = new SimDns(dependencies);
  }

  scheduleFaults(): void {
    this.#dns.schedule();
  }

  /** The HTTP client of a new process. */
  clientOf(domain: Domain, nodeClock: SimClock): HttpClient {
    const { world, trace, checker, counters } = this.#d;
    const clock = new SimHttpClock(world, nodeClock, domain);
    const pools = new ConnectionPools({
      environment: { clock, dialer: { open: (_, address, __, received) => this.#open(domain, address, received) } },
      resolve: this.#dns.resolverOf(domain),
      settings: { connections: 16, connectTimeoutMs: CONNECT_TIMEOUT_MS },
    });
    const router = new BranchRouter(new BranchRegistry({ protocols: [new HttpProtocol(pools)] }));
    return {
      call: async (request) => {
        const call = new Call(request, checker);
        const headers = { ...request.headers, [CALL]: String(this.#calls.push(call) - 1) };
        const gid = nameOf(request);
        const label = `${request.branchId} ${request.op}`;
        trace.add(domain.name, gid, `calls ${label} over HTTP`);
        counters.count('calls over HTTP');
        const result = await router.call({ ...request, headers });
        trace.add(
          domain.name,
          gid,
          `receives ${label}: ${result.kind}${result.reason === '' ? '' : ` (${result.reason})`}`,
        );
        call.ended(result);
        return result;
      },
    };
  }

  #open(domain: Domain, address: string, received: (piece: Buffer) => void): SimSocket {
    const { world, random, profile, isHealed, counters } = this.#d;
    let use: Use | undefined;
    let uses = 0;
    const watch = {
      wrote: (bytes: Buffer) => {
        use = { isReused: uses++ > 0, hasResponse: false };
        if (this.#callIn(bytes).sentOver(use)) counters.count('calls sent again after a lost connection');
      },
      delivered: () => {
        if (use !== undefined) use.hasResponse = true;
      },
    };
    const socket = new SimSocket(this.#d, domain, watch, received);
    const isLost = !isHealed() && random.chance(profile.network.loss);
    const service = this.#dns.serviceAt(address);
    // At an address that a service has left, either nothing listens or nothing responds.
    if (isLost || (service === undefined && random.chance(0.5))) return socket;
    world.after(
      random.delayMs(profile.network.latencyMs) * 2,
      () => {
        if (service === undefined) return socket.refused();
        socket.accepted(
          new SimServer({ ...this.#d, serve: (request, reply) => this.#serve(request, service, reply) }, socket),
        );
      },
      domain,
    );
    return socket;
  }

  #serve(received: ReceivedRequest, service: string, reply: (result: BranchResult) => void): void {
    const call = this.#calls[Number(received.headers.get(CALL))];
    if (call === undefined) throw new Error(`no call ${received.headers.get(CALL)}`);
    call.arrived(received, service);
    this.#d.trace.add('', nameOf(call.request), `${call.request.branchId} ${call.request.op} arrives over HTTP`);
    this.#d.participants().receive(call.request, service, (result) => {
      call.responded(result);
      reply(result);
    });
  }

  #callIn(bytes: Buffer): Call {
    const number = /\r\nsim-call: (\d+)\r\n/.exec(bytes.toString('latin1'))?.[1];
    const call = this.#calls[Number(number)];
    if (call === undefined) throw new Error('the client wrote bytes that are not a request');
    return call;
  }
}
