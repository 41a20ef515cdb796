import { fail, ok, skip, warn } from '../finding.ts';
import type { HardeningItem } from './installation.ts';

export const certificateVerification: HardeningItem = {
  name: 'certificate verification',
  check({ process: { env } }) {
    const { name } = certificateVerification;
    if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return [ok(name, 'on')];
    const fix = 'unset it, and specify your authorities; a coordinator does not start with it';
    return [fail(name, 'NODE_TLS_REJECT_UNAUTHORIZED=0 switches it off', fix)];
  },
};

/** Options of Node.js that let others read the memory of the process, or that write it to files. */
const DEBUGGING =
  /--(?:inspect[\w-]*|heapsnapshot-signal|heapsnapshot-near-heap-limit|report-on-signal|abort-on-[\w-]+)/g;

export const debugging: HardeningItem = {
  name: 'debugging',
  check({ process: { env, isInspected } }) {
    const { name } = debugging;
    const options = [...(env['NODE_OPTIONS'] ?? '').matchAll(DEBUGGING)].map(([option]) => option);
    if (options.length > 0)
      return [fail(name, `NODE_OPTIONS has ${options.join(', ')}, which exposes the memory`, 'remove them')];
    if (isInspected) return [fail(name, 'a debugger can attach to this process', 'start Node.js without --inspect')];
    return [ok(name, 'off')];
  },
};

export const systemUser: HardeningItem = {
  name: 'system user',
  check({ process: { userId } }) {
    const { name } = systemUser;
    if (userId === undefined) return [skip(name, 'this system has no user IDs', 'use an account without privileges')];
    if (userId !== 0) return [ok(name, `user ID ${userId}`)];
    return [
      warn(
        name,
        'this command runs as root',
        'run the coordinator, and this command, as a separate account without privileges',
      ),
    ];
  },
};

export const coreDumps: HardeningItem = {
  name: 'core dumps',
  check({ process: { coreLimit } }) {
    const { name } = coreDumps;
    const fix = '"ulimit -c 0", LimitCORE=0 in systemd, --ulimit core=0 in Docker';
    if (coreLimit === undefined) return [skip(name, 'the limit is unknown on this system', fix)];
    if (coreLimit === '0') return [ok(name, 'off')];
    return [warn(name, 'a crash may write secrets and payloads to a core dump', fix)];
  },
};

/** The last day of security updates of each line of Node.js; odd lines end after half a year. */
const UPDATES_END: Readonly<Record<number, string>> = {
  20: '2026-04-30',
  21: '2024-06-01',
  22: '2027-04-30',
  23: '2025-06-01',
  24: '2028-04-30',
  25: '2026-06-01',
};

export const nodeUpdates: HardeningItem = {
  name: 'node updates',
  check({ process: { nodeVersion }, nowMs }) {
    const { name } = nodeUpdates;
    const major = Number.parseInt(nodeVersion.replace(/^v/, ''), 10);
    const end = UPDATES_END[major];
    if (end === undefined)
      return [skip(name, `the end of updates for Node.js ${major} is unknown here`, 'see the releases of Node.js')];
    if (nowMs < Date.parse(`${end}T23:59:59Z`)) return [ok(name, `Node.js ${major} receives updates until ${end}`)];
    return [warn(name, `Node.js ${major} has received no security updates since ${end}`, 'install a later line')];
  },
};
