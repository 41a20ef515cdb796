import { EventEmitter } from 'node:events';
import type { HttpSocket } from '@holdfast/branches';
import type { Counters } from '../counters.ts';
import type { Domain } from '../kernel/agenda.ts';
import type { Random } from '../kernel/random.ts';
import type { World } from '../kernel/world.ts';
import type { Profile } from '../profile.ts';

export interface SocketDependencies {
  readonly world: World;
  readonly random: Random;
  readonly profile: Profile;
  readonly counters: Counters;
  readonly isHealed: () => boolean;
}

/** The server's end of a connection. */
export interface ServerEnd {
  received(piece: Buffer): void;
  /** The connection has ended. */
  ended(): void;
}

/** Notifications about the bytes on the client's end. */
export interface SocketWatch {
  wrote(bytes: Buffer): void;
  delivered(): void;
}

type Arrival = { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'end' | 'reset' };

const MAX_PIECES = 4;

/**
 * One simulated TCP connection, as its client sees it. Bytes arrive in order, with delays, and in
 * pieces of any size. A fault ends the connection at any byte, in either direction: with a reset,
 * or silently, so that neither side is notified.
 */
export class SimSocket extends EventEmitter implements HttpSocket {
  readable = false;
  writable = false;
  writableLength = 0;
  readonly #d: SocketDependencies;
  readonly #domain: Domain;
  readonly #received: (piece: Buffer) => void;
  readonly #watch: SocketWatch;
  /** In order, also if a pause of the node rearranges its events. */
  readonly #arrivals: Arrival[] = [];
  #server: ServerEnd | undefined;
  /** When the last piece arrives, in each direction. */
  #toServerMs = 0;
  #toClientMs = 0;
  #isSilent = false;
  #isDestroyed = false;

  constructor(d: SocketDependencies, domain: Domain, watch: SocketWatch, received: (piece: Buffer) => void) {
    super();
    this.#d = d;
    this.#domain = domain;
    this.#watch = watch;
    this.#received = received;
  }

  /** The server has accepted the connection. */
  accepted(server: ServerEnd): void {
    if (this.#isDestroyed) return;
    this.#server = server;
    this.readable = this.writable = true;
    this.emit('connect');
  }

  /** The connection attempt failed. */
  refused(): void {
    if (this.#isDestroyed) return;
    this.emit('error', new Error('connect ECONNREFUSED'));
    this.destroy();
  }

  /** The client sends. */
  write(bytes: Buffer): void {
    this.#watch.wrote(bytes);
    if (!this.#d.random.chance(0.1)) return this.#send(bytes);
    // The network takes the bytes only later.
    this.writableLength = bytes.length;
    const sent = (): void => {
      this.writableLength = 0;
      this.#send(bytes);
    };
    this.#d.world.after(this.#latencyMs(), sent, this.#domain);
  }

  /** The server sends. */
  respond(bytes: Buffer): void {
    this.#carry(bytes, (piece) => this.#arrives({ kind: 'bytes', bytes: piece }));
  }

  /** The server closes its end. */
  endByServer(): void {
    this.#server = undefined;
    if (!this.#isSilent) this.#arrives({ kind: 'end' });
  }

  /** The server, or the network, ends the connection at once. */
  reset(): void {
    this.#d.counters.count('connections reset');
    this.#server?.ended();
    this.#server = undefined;
    this.#arrives({ kind: 'reset' });
    this.#isSilent = true;
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.readable = this.writable = false;
    this.#d.world.after(0, () => this.emit('close'), this.#domain);
    if (this.#isSilent) return;
    // After the bytes that were sent before.
    this.#toServerMs = this.#next(this.#toServerMs);
    this.#at(this.#toServerMs, () => {
      this.#server?.ended();
      this.#server = undefined;
    });
  }

  #send(bytes: Buffer): void {
    this.#carry(bytes, (piece) => {
      this.#toServerMs = this.#next(this.#toServerMs);
      this.#at(this.#toServerMs, () => this.#server?.received(piece));
    });
  }

  /** Splits bytes into pieces; a fault after any byte loses the rest. */
  #carry(bytes: Buffer, deliver: (piece: Buffer) => void): void {
    const { random, profile, isHealed, counters } = this.#d;
    if (this.#isSilent || this.#isDestroyed) return;
    const isFaulty = !isHealed() && random.chance(profile.network.loss);
    const carried = isFaulty ? bytes.subarray(0, random.int(0, bytes.length)) : bytes;
    let at = 0;
    for (let pieces = random.int(1, MAX_PIECES); at < carried.length; pieces--) {
      const end = pieces <= 1 ? carried.length : random.int(at + 1, carried.length);
      deliver(carried.subarray(at, end));
      at = end;
    }
    if (!isFaulty) return;
    if (random.chance(0.5)) return this.reset();
    counters.count('connections cut');
    this.#isSilent = true;
  }

  #arrives(arrival: Arrival): void {
    this.#arrivals.push(arrival);
    this.#toClientMs = this.#next(this.#toClientMs);
    this.#at(this.#toClientMs, () => this.#take(), this.#domain);
  }

  #take(): void {
    const arrival = this.#arrivals.shift();
    if (arrival === undefined || this.#isDestroyed) return;
    if (arrival.kind === 'bytes') {
      this.#watch.delivered();
      return this.#received(arrival.bytes);
    }
    if (arrival.kind === 'reset') this.emit('error', new Error('read ECONNRESET'));
    this.destroy();
  }

  #next(lastMs: number): number {
    return Math.max(lastMs, this.#d.world.nowMs + this.#latencyMs());
  }

  #at(atMs: number, run: () => void, domain?: Domain): void {
    this.#d.world.after(atMs - this.#d.world.nowMs, run, domain);
  }

  #latencyMs(): number {
    return this.#d.random.delayMs(this.#d.profile.network.latencyMs);
  }
}
