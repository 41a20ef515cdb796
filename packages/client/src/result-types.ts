import type { StepCodec } from './workflow/flow.ts';

/** Types of objects that JSON changes, or leaves nothing of. */
type Changed =
  | bigint
  | symbol
  | ((...args: never[]) => unknown)
  | Date
  | RegExp
  | Error
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBuffer
  | ArrayBufferView
  | PromiseLike<unknown>
  | { toJSON(...args: never[]): unknown };

/** `T` with `never` for each part that JSON changes. */
type AsJson<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends Changed
    ? never
    : T extends object
      ? { [Key in keyof T]: AsJson<T[Key]> }
      : T;

/**
 * `unknown` where results of type `T` are JSON, as far as a type can express that; otherwise a type
 * that no function has, so that a call without `codec` does not compile.
 */
export type JsonResult<T> = [T] extends [AsJson<T>]
  ? unknown
  : { readonly resultIsNotJson: 'the type of the result is not JSON: give a codec' };

/** How a result that is not JSON is kept for repeated calls. */
export interface ResultOptions<T> {
  /** Gives and takes JSON of at most 16 KiB. What `encode` throws rolls the work back. */
  readonly codec: StepCodec<T>;
}
