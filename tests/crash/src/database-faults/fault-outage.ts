import type { Outage } from '../outages.ts';
import { stopsHeartbeats } from './fault-kinds.ts';
import type { DoneFault } from './fault-run.ts';

/** A fault as the judge of coordinators sees it. */
export const outageOf = ({ kind, fromMs, untilMs, backMs }: DoneFault): Outage => ({
  kind: stopsHeartbeats(kind) ? 'database' : 'fault',
  node: undefined,
  fromMs,
  untilMs,
  backMs,
});
