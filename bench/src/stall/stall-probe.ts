import type { Stall } from './stall.ts';

// Loaded into a coordinator's process: a timer that should fire every millisecond. The longest time between two of its calls is how long nothing else was
// handled. Says so when asked over Node's IPC channel, and begins again.

const TICK_MS = 1;
const NONE: Stall = { wallMs: 0, cpuMs: 0 };

let longest = NONE;
let lastMs = performance.now();
let lastCpu = process.cpuUsage();

setInterval(() => {
  const nowMs = performance.now();
  const cpu = process.cpuUsage(lastCpu);
  const wallMs = nowMs - lastMs - TICK_MS;
  if (wallMs > longest.wallMs) longest = { wallMs, cpuMs: (cpu.user + cpu.system) / 1_000 };
  lastMs = nowMs;
  lastCpu = process.cpuUsage();
}, TICK_MS).unref();

process.on('message', () => {
  process.send?.(longest);
  longest = NONE;
});
// The coordinator ends when it is told to, whatever the channel does.
process.channel?.unref();
