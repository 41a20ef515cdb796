import type { Barrier } from '@holdfast/client';
import type { Pool, PoolConnection } from 'mysql2/promise';

/**
 * A participant without a barrier: the change runs in a local transaction, and the call is not
 * recorded. Used by `--without-barrier`.
 */
export const noBarrier = (pool: Pool): Barrier<PoolConnection> => ({
  async run(_call, work) {
    const connection = await pool.getConnection();
    try {
      await connection.beginTransaction();
      const value = await work(connection);
      await connection.commit();
      return { ran: true, value };
    } catch (error) {
      await connection.rollback();
      throw error;
    } finally {
      connection.release();
    }
  },
  message: () => Promise.reject(new TypeError('A message needs a barrier')),
  checkBack: () => Promise.reject(new TypeError('A check-back needs a barrier')),
});
