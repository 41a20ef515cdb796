/**
 * The violations by a transaction that the participants' journals can show:
 *
 * - `lost`: acknowledged, and no participant was ever called
 * - `never-called`: it took effect in part, and a branch was never called at all
 * - `half-done`: some branches kept their effect, others did not
 * - `not-final`: a try was neither confirmed nor cancelled, or the coordinator itself reports that
 *   the transaction is not finished in time
 * - `wrong-outcome`: rolled back although it had to commit, or kept although it had to fail
 * - `early-success`: a caller that waited received a success before every effect was there
 * - `twice`: one effect applied twice behind the barrier
 * - `without-origin`: undone or confirmed without having been done
 * - `dangling`: done after it was undone
 * - `both-ways`: confirmed and cancelled
 * - `out-of-order`: a step took effect before one that it depends on, or was undone after it
 * - `wrong-payload`: the effect is not the requested one
 * - `misrouted`: called in the name of another transaction, branch or op
 * - `stranger`: a call that no client requested
 * - `gid-reused`: a fresh gid was issued twice
 *
 * and in secured runs:
 *
 * - `unsigned`: a participant received a call without a valid signature
 * - `locked-out`: a client with a valid token was rejected
 */
export type ViolationKind =
  | 'lost'
  | 'never-called'
  | 'half-done'
  | 'not-final'
  | 'wrong-outcome'
  | 'early-success'
  | 'twice'
  | 'without-origin'
  | 'dangling'
  | 'both-ways'
  | 'out-of-order'
  | 'wrong-payload'
  | 'misrouted'
  | 'stranger'
  | 'gid-reused'
  | 'unsigned'
  | 'locked-out';

export interface Violation {
  readonly kind: ViolationKind;
  readonly gid: string;
  /** Human-readable description. */
  readonly detail: string;
}
