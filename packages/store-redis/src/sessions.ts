import {
  type Heartbeat,
  type SessionId,
  type SessionInfo,
  type SessionRow,
  StoreError,
  type TakeOverRequest,
  type TakeOverResult,
} from '@holdfast/core/store';
import { type Installation, partly, STEP } from './installation.ts';
import { listOf, textOf } from './records.ts';
import { END_SESSION, END_SILENT, HEARTBEAT, OPEN_SESSION, RELEASE, SESSIONS } from './scripts/index.ts';

/** How long the ID of an ended session is rejected. */
const REMEMBERED_MS = 30 * 24 * 3_600 * 1_000;

/** The live sessions, and the takeover of what ended ones owned. */
export class Sessions {
  readonly #keys: Installation;

  constructor(keys: Installation) {
    this.#keys = keys;
  }

  async open(session: SessionId, { node, version }: SessionInfo): Promise<void> {
    if ((await this.#keys.runBeat(OPEN_SESSION, [session, node, version])) !== 1)
      throw new StoreError('invalid', `session ${session} was ended; open one with a new id`);
  }

  async heartbeat(session: SessionId): Promise<Heartbeat> {
    const [alive, nowMs, last] = listOf(await this.#keys.runBeat(HEARTBEAT, [session]));
    const lastMs = textOf(last) === '' ? null : Number(textOf(last));
    return { alive: alive === 1, nowMs: this.#keys.clock.seen(nowMs), lastMs };
  }

  async end(session: SessionId): Promise<void> {
    await this.#keys.runBeat(END_SESSION, [session]);
  }

  /** In steps between which Redis serves other calls; each may be repeated. */
  async takeOver({ silenceMs, unchanged, keep, limit }: TakeOverRequest): Promise<TakeOverResult> {
    const only = (unchanged ?? []).flatMap(({ session, heartbeatAtMs }) => [session, Math.floor(heartbeatAtMs)]);
    const silent = [Math.floor(silenceMs), keep, REMEMBERED_MS, unchanged === undefined ? 0 : 1, ...only];
    const ended = listOf(await this.#keys.run(END_SILENT, silent)).map(textOf);
    let released = 0;
    for (;;) {
      const run = this.#keys.run(RELEASE, [Math.min(STEP, limit - released)]);
      const [done, more] = listOf(await partly(released + ended.length > 0, run));
      released += Number(done);
      if (more !== 1 || released === limit) return { ended, released, more: more === 1 };
    }
  }

  async rows(): Promise<SessionRow[]> {
    return listOf(await this.#keys.run(SESSIONS)).map((reply) => {
      const [session = '', node = '', version = '', startedAt, heartbeatAt, owned] = listOf(reply).map(textOf);
      const times = { startedAtMs: Number(startedAt), heartbeatAtMs: Number(heartbeatAt) };
      return { session, node, version, ...times, owned: Number(owned) };
    });
  }
}
