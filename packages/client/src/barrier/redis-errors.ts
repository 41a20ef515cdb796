/**
 * A queued command or script failed (a wrong type, a defect in the Lua, no permission, no memory).
 * See `applied` for what became of the others.
 */
export class RedisWorkFailed extends Error {
  override readonly name = 'RedisWorkFailed';
  readonly code = 'redis_work_failed';
  /**
   * `nothing`: everything is as before, and the call may be repeated. `perhaps a part`: putting it
   * back failed, too (before Redis 7 for lack of the right to RESTORE or DEL): a person must look
   * at the keys; the call counts as carried out.
   */
  readonly applied: 'nothing' | 'perhaps a part';

  constructor(reason: string, applied: 'nothing' | 'perhaps a part') {
    super(`Redis did not carry out what was queued: ${reason}`);
    this.applied = applied;
  }
}
