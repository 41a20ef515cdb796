import { expect, test } from 'vitest';
import { type CpuProfile, summarizeProfile } from '../src/profile/cpu-profile.ts';
import { renderProfile } from '../src/profile/render-profile.ts';

const frame = (id: number, functionName: string, url: string, lineNumber: number) => ({
  id,
  callFrame: { functionName, url, lineNumber },
});
const profile: CpuProfile = {
  nodes: [
    frame(1, '(idle)', '', -1),
    frame(2, 'writev', '', -1),
    frame(3, 'dispatch', 'file:///home/x/node_modules/undici/lib/client.js', 9),
    frame(4, '', 'file:///home/x/packages/core/dist/engine.js', 19),
    // The same function, called from elsewhere.
    frame(5, 'dispatch', 'file:///home/x/node_modules/undici/lib/client.js', 9),
  ],
  samples: [1, 2, 3, 4, 5, 2, 99],
  timeDeltas: [10_000, 3_000, 1_000, 2_000, 3_000, 1_000, 500],
};

test('self time is added up by function and by file, over the time at work', () => {
  const { busyMs, idleMs, functions, files } = summarizeProfile(profile);
  expect({ busyMs, idleMs }).toEqual({ busyMs: 10, idleMs: 10 });
  expect(functions).toEqual([
    { name: 'writev', share: 0.4 },
    { name: 'dispatch undici/lib/client.js:10', share: 0.4 },
    { name: '(anonymous) packages/core/dist/engine.js:20', share: 0.2 },
  ]);
  expect(files).toEqual([
    { name: '(native)', share: 0.4 },
    { name: 'undici/lib/client.js', share: 0.4 },
    { name: 'packages/core/dist/engine.js', share: 0.2 },
  ]);
});

test('what Node and native code did belongs to the package that called them', () => {
  const tree: CpuProfile = {
    nodes: [
      { ...frame(1, '(root)', '', -1), children: [2, 6] },
      { ...frame(2, 'onRequest', 'node:_http_server', 9), children: [3] },
      { ...frame(3, 'serve', 'file:///home/x/packages/server/dist/http/server.js', 9), children: [4] },
      { ...frame(4, 'query', 'file:///home/x/node_modules/pg/lib/client.js', 9), children: [5] },
      { ...frame(5, 'writev', '', -1) },
      { ...frame(6, 'processTicks', 'node:internal/process', 1) },
    ],
    samples: [5, 4, 3, 2, 6],
    timeDeltas: [4_000, 1_000, 2_000, 1_000, 2_000],
  };
  expect(summarizeProfile(tree).parts).toEqual([
    { name: 'pg', share: 0.5 },
    { name: 'server/http', share: 0.2 },
    { name: 'Node itself', share: 0.2 },
    { name: "Node's HTTP", share: 0.1 },
  ]);
});

test('a clock that steps back takes nothing away', () => {
  const { busyMs } = summarizeProfile({ ...profile, samples: [2, 2], timeDeltas: [2_000, -5_000] });
  expect(busyMs).toBe(2);
});

test('its page names the most expensive first', () => {
  const page = renderProfile(summarizeProfile(profile));
  expect(page).toMatch(/^10 ms at work, 10 ms idle/);
  expect(page).toMatch(/^function +self\nwritev +40\.0 %$/m);
});
