import { branchResult, type BranchResult } from '@holdfast/protocol';
import type { BranchRequest } from '@holdfast/core';
import type { Counters } from '../counters.ts';
import type { Domain } from '../kernel/agenda.ts';
import type { Random } from '../kernel/random.ts';
import type { Trace } from '../kernel/trace.ts';
import type { World } from '../kernel/world.ts';
import type { Profile } from '../profile.ts';
import { nameOf } from './case.ts';
import type { Participants } from './participants.ts';

interface NetworkDependencies {
  readonly world: World;
  readonly random: Random;
  readonly profile: Profile;
  readonly trace: Trace;
  readonly counters: Counters;
  readonly participants: () => Participants;
  readonly isHealed: () => boolean;
}

/** Carries calls to the participants: slow, lossy, and sometimes delivering twice. */
export class Network {
  readonly #d: NetworkDependencies;

  constructor(dependencies: NetworkDependencies) {
    this.#d = dependencies;
  }

  /**
   * Calls a participant. A sent request arrives even if the caller has died by then; the response
   * reaches only a live caller. Settles within the request's timeout on the caller's clock, which
   * advances `clockRate` ms per simulated ms.
   */
  call(request: BranchRequest, caller: string, domain?: Domain, clockRate = 1): Promise<BranchResult> {
    const { world, random, profile, trace, counters, participants } = this.#d;
    const gid = nameOf(request);
    const label = `${request.branchId} ${request.op}`;
    trace.add(caller, gid, `calls ${label}`);
    const healed = this.#d.isHealed();
    return new Promise((resolve) => {
      let open = true;
      const settle = (result: BranchResult): void => {
        if (!open) return;
        open = false;
        timer.cancel();
        trace.add(caller, gid, `receives ${label}: ${result.kind}${result.reason === '' ? '' : ` (${result.reason})`}`);
        resolve(result);
      };
      const timer = world.after(
        request.timeoutMs / clockRate,
        () => settle(branchResult('UNKNOWN', `no response within ${request.timeoutMs} ms`)),
        domain,
      );
      const deliver = (reply: (result: BranchResult) => void): void => {
        trace.add('', gid, `${label} arrives, from ${caller}`);
        participants().receive(request, new URL(request.url).hostname, reply);
      };
      if (!healed && random.chance(profile.network.loss)) return counters.count('requests lost');
      world.after(this.#latencyMs(), () =>
        deliver((result) => {
          if (!this.#d.isHealed() && random.chance(profile.network.loss)) return counters.count('responses lost');
          world.after(this.#latencyMs(), () => settle(result), domain);
        }),
      );
      if (healed || !random.chance(profile.network.repeat)) return;
      counters.count('requests repeated by the network');
      world.after(this.#latencyMs() * 3, () => deliver(() => {}));
    });
  }

  #latencyMs(): number {
    return this.#d.random.delayMs(this.#d.profile.network.latencyMs);
  }
}
