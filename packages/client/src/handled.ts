/**
 * The same promise. Its rejection does not end the process when the application ignores it: the
 * caller of this function accounts for the failure in another way.
 */
export function handled<P extends Promise<unknown>>(promise: P): P {
  promise.catch(() => undefined);
  return promise;
}
