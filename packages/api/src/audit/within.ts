import { HoldfastError } from '@holdfast/protocol';

/**
 * The result of `work`, or the error `unavailable` with this text after this time. The work itself
 * continues: a request to a store cannot be undone.
 */
export async function within<T>(ms: number, work: Promise<T>, text: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new HoldfastError('unavailable', text)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
