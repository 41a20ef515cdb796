export { MemoryBarrier } from './memory-barrier.ts';
export { RowDriver } from './row-driver.ts';
