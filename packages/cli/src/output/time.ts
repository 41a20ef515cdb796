/** Human-readable times. Pure. */
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A duration in at most two units: `412 ms`, `1.2 s`, `3 m 04 s`, `2 h 10 m`, `3 d 04 h`. */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < SECOND_MS) return `${whole} ms`;
  if (whole < MINUTE_MS) return `${(Math.floor(whole / 100) / 10).toFixed(1)} s`;
  if (whole < HOUR_MS) return two(whole, MINUTE_MS, 'm', SECOND_MS, 's');
  if (whole < DAY_MS) return two(whole, HOUR_MS, 'h', MINUTE_MS, 'm');
  return two(whole, DAY_MS, 'd', HOUR_MS, 'h');
}

function two(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeName} ${String(rest).padStart(2, '0')} ${smallName}`;
}

/** A point in time in UTC, to the second. */
export const moment = (atMs: number): string => new Date(atMs).toISOString().slice(0, 19).replace('T', ' ') + 'Z';

const UNITS: Readonly<Record<string, number>> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/**
 * Parses `90s`, `15m`, `2h` or `3d` (before `nowMs`) or an ISO 8601 date; undefined if the text is
 * neither.
 */
export function parseMoment(text: string, nowMs: number): number | undefined {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return nowMs - Number(amount) * (UNITS[unit] ?? 0);
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : atMs;
}
