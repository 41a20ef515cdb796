import { join } from 'node:path';
import { freePort } from '@holdfast/testing/servers';
import { Program } from '../program.ts';
import type { InitiatorSettings, ProgramSettings } from './program-settings.ts';

/** Participants and initiators of a run: as many of each. */
const EACH = 2;
/** Numbers of transactions that one start of an initiator may use. */
const NUMBERS = 1_000_000;
const STOP_PATIENCE_MS = 20_000;

export type Role = 'participant' | 'initiator';

/** One process of a role, which is started again on the same port. */
interface Member {
  readonly role: Role;
  readonly index: number;
  readonly port: number;
  starts: number;
  program: Program;
}

/** What the processes have in common. */
export type Shared = Omit<InitiatorSettings, 'port' | 'first' | 'stride' | 'participants'>;

/** The processes of participants and initiators. */
export class Cast {
  readonly #programs: string;
  readonly #shared: Shared;
  readonly #members: readonly Member[];
  /** URLs of the participants for initiators. */
  #participants: readonly string[] = [];
  #deaths = 0;

  private constructor(root: string, shared: Shared, members: readonly Member[]) {
    this.#programs = join(root, 'tests/crash/dist/chaos');
    this.#shared = shared;
    this.#members = members;
  }

  /** @param root of the build whose programs and SDK are run */
  static async create(root: string, shared: Shared): Promise<Cast> {
    const members: Member[] = [];
    for (const role of ['participant', 'initiator'] as const)
      for (let index = 0; index < EACH; index++)
        members.push({ role, index, port: await freePort(), starts: 0, program: new Program() });
    return new Cast(root, shared, members);
  }

  /** How often a process ended without having been killed. */
  get deaths(): number {
    return this.#deaths + this.#members.filter(({ program }) => program.died).length;
  }

  /** Where participants listen. */
  get origins(): readonly string[] {
    return this.#of('participant').map(({ port }) => `http://127.0.0.1:${port}`);
  }

  /** @param participants their URLs through the relay */
  async start(participants: readonly string[]): Promise<void> {
    this.#participants = participants;
    for (const role of ['participant', 'initiator'] as const)
      await Promise.all(this.#of(role).map((member) => this.#start(member)));
  }

  /** Kills one, and starts it again. */
  async killAndRestart(role: Role, which: number): Promise<void> {
    const member = this.#of(role)[which % EACH];
    if (member === undefined) return;
    if (member.program.died) this.#deaths++;
    await member.program.kill();
    await this.#start(member);
  }

  /** Has the initiators begin no more; returns when what they began has ended for them. */
  async quiet(): Promise<void> {
    await Promise.all(this.#of('initiator').map(({ program }) => program.request('quiet')));
  }

  /** Ends all of them. */
  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ program }) => program.stop(STOP_PATIENCE_MS)));
  }

  #of(role: Role): readonly Member[] {
    return this.#members.filter((member) => member.role === role);
  }

  async #start(member: Member): Promise<void> {
    const settings = JSON.stringify(this.#settingsOf(member));
    member.program = new Program(join(this.#programs, `${member.role}-main.js`), settings);
    member.starts++;
    await member.program.start();
  }

  #settingsOf({ role, index, port, starts }: Member): ProgramSettings | InitiatorSettings {
    const { ledger, linesPath, rate } = this.#shared;
    const place = { ...ledger, process: index };
    if (role === 'participant') return { ledger: place, port, linesPath };
    return {
      ...this.#shared,
      ledger: place,
      port,
      rate: rate / EACH,
      first: starts * NUMBERS + index,
      stride: EACH,
      participants: this.#participants,
    };
  }
}
