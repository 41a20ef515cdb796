import type { Resolved, ResolveName } from '@holdfast/branches';
import type { Counters } from '../counters.ts';
import type { Domain } from '../kernel/agenda.ts';
import type { Random } from '../kernel/random.ts';
import type { World } from '../kernel/world.ts';
import type { Profile } from '../profile.ts';

interface DnsDependencies {
  readonly world: World;
  readonly random: Random;
  readonly profile: Profile;
  readonly counters: Counters;
  readonly isHealed: () => boolean;
}

const LONGEST_TTL_MS = 20_000;

/**
 * The names of the simulated services. While faults happen, services move to other addresses, and
 * queries fail.
 */
export class SimDns {
  readonly #d: DnsDependencies;
  readonly #addresses = new Map<string, string>();
  readonly #names = new Map<string, string>();
  #given = 0;

  constructor(dependencies: DnsDependencies) {
    this.#d = dependencies;
  }

  /** The service at an address; undefined if it has moved. */
  serviceAt(address: string): string | undefined {
    return this.#names.get(address);
  }

  /** The resolver of one node. */
  resolverOf(domain: Domain): ResolveName {
    const { world, random, profile, isHealed, counters } = this.#d;
    return (name) => ({
      cancel: () => undefined,
      result: new Promise<Resolved>((resolve, reject) => {
        world.after(
          random.delayMs(profile.network.latencyMs),
          () => {
            if (!isHealed() && random.chance(profile.network.loss)) {
              counters.count('names not resolved');
              return reject(new Error('ESERVFAIL'));
            }
            resolve({ addresses: this.#addressesOf(name), keepMs: random.int(1, LONGEST_TTL_MS) });
          },
          domain,
        );
      }),
    });
  }

  /** Some services move to another address. */
  schedule(): void {
    const { world, random, profile, counters } = this.#d;
    for (let i = random.int(0, 4); i > 0; i--)
      world.after(random.between(0, profile.faultsUntilMs), () => {
        const moved = [...this.#addresses.keys()];
        if (moved.length === 0) return;
        counters.count('services moved');
        this.#move(random.pick(moved));
      });
  }

  /** The address of the service, sometimes behind one that nothing listens at. */
  #addressesOf(name: string): readonly string[] {
    const address = this.#addresses.get(name) ?? this.#move(name);
    return !this.#d.isHealed() && this.#d.random.chance(0.1) ? [this.#newAddress(), address] : [address];
  }

  #move(name: string): string {
    const before = this.#addresses.get(name);
    if (before !== undefined) this.#names.delete(before);
    const address = this.#newAddress();
    this.#addresses.set(name, address);
    this.#names.set(address, name);
    return address;
  }

  #newAddress(): string {
    const number = ++this.#given;
    return `10.0.${number >> 8}.${number & 255}`;
  }
}
