/**
 * A queued command or script failed (a wrong type, a bug in the Lua, no permission, no memory).
 * `applied` shows whether other queued commands took effect.
 */
export class RedisWorkFailed extends Error {
  override readonly name = 'RedisWorkFailed';
  readonly code = 'redis_work_failed';
  /**
   * `nothing`: everything is as before, and the call may be repeated. `perhaps a part`: restoring
   * the keys failed, too (before Redis 7, if the permission for RESTORE or DEL is missing): an
   * operator must check the keys; the call counts as carried out.
   */
  readonly applied: 'nothing' | 'perhaps a part';

  constructor(reason: string, applied: 'nothing' | 'perhaps a part') {
    super(`Redis did not carry out what was queued: ${reason}`);
    this.applied = applied;
  }
}
