export { MemoryBarrier } from './memory-barrier.ts';
export { RowDialect } from './row-dialect.ts';
