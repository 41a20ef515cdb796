/**
 * Everything that can be wrong with a transaction, by the participants' journals:
 *
 * - `lost`: acknowledged, and no participant ever heard of it
 * - `never-called`: it took effect in part, and a branch was never called at all
 * - `half-done`: some branches kept their effect, others did not
 * - `not-final`: nobody decided about a try, or the coordinator itself says that it is not done in
 *   time
 * - `wrong-outcome`: rolled back although it had to commit, or kept although it had to fail
 * - `early-success`: a caller who waited heard of success before every effect was there
 * - `twice`: one effect applied twice behind the barrier
 * - `without-origin`: undone or confirmed without having been done
 * - `dangling`: done after it was undone
 * - `both-ways`: confirmed and cancelled
 * - `out-of-order`: a step took effect before one that it depends on, or was undone after it
 * - `wrong-payload`: the effect is not the one that was asked for
 * - `misrouted`: called in the name of another transaction, branch or op
 * - `stranger`: a call for something that no client asked for
 * - `gid-reused`: a gid said to be fresh was given out twice
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
  | 'gid-reused';

export interface Violation {
  readonly kind: ViolationKind;
  readonly gid: string;
  /** What is wrong, for people. */
  readonly detail: string;
}
