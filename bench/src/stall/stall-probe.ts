import { openSync, readSync } from 'node:fs';
import type { Stall } from './stall.ts';

// Loaded into a coordinator's process: a timer that should fire every millisecond. The longest time
// between two of its calls is how long nothing else was handled. Responds over Node's IPC channel
// with the longest one since the last request.

const TICK_MS = 1;
/** A stall shorter than this is not timed exactly, since that costs a thread switch. */
const EXACT_FROM_MS = 3;
const NONE: Stall = { wallMs: 0, cpuMs: 0 };

/**
 * CPU time of the main thread, in ms. Linux reports it in ns, other systems only for all threads
 * together.
 */
const cpuMs = threadClock() ?? processClock;
const pause = new Int32Array(new SharedArrayBuffer(4));

let longest = NONE;
let lastMs = performance.now();
let lastCpuMs = cpuMs();

setInterval(() => {
  const wallMs = performance.now() - lastMs - TICK_MS;
  // The kernel updates the counter when it takes the CPU away from the thread.
  if (wallMs >= EXACT_FROM_MS) Atomics.wait(pause, 0, 0, 0.01);
  const stall = { wallMs, cpuMs: cpuMs() - lastCpuMs };
  if (stall.cpuMs > longest.cpuMs) longest = stall;
  lastMs = performance.now();
  lastCpuMs = cpuMs();
}, TICK_MS).unref();

process.on('message', () => {
  process.send?.(longest);
  longest = NONE;
});
// The open channel must not keep the coordinator from exiting.
process.channel?.unref();

function threadClock(): (() => number) | undefined {
  const text = Buffer.alloc(64);
  try {
    // The main thread's ID is the process's.
    const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    return () => Number.parseInt(text.toString('latin1', 0, readSync(file, text, 0, text.length, 0)), 10) / 1e6;
  } catch {
    return undefined;
  }
}

function processClock(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
