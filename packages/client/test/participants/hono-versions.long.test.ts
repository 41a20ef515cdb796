import { createRequire } from 'node:module';
import type { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { branch, checkBack } from '../../src/participants/hono.ts';
import { honoSetups } from './served-by.ts';
import { participantSuite } from './suite.ts';

/** By name, since the types are those of the newest. The newest of all is run by `hono.test.ts`. */
const load = createRequire(import.meta.url);

for (const version of ['hono-oldest', 'hono'])
  for (const server of ['hono-node-server-1', '@hono/node-server']) {
    const use = {
      ...(load(version) as { readonly Hono: typeof Hono }),
      ...(load(server) as { readonly createAdaptorServer: typeof createAdaptorServer }),
    };
    // Hono 4.0 keeps a body that a middleware has read in the form in which that read it.
    const setups = Object.entries(honoSetups(use)).filter(
      ([name]) => version === 'hono' || !/text|json|blob/.test(name),
    );
    for (const [name, serve] of setups)
      participantSuite(`${version} on ${server}: ${name}`, { branch, checkBack, serve });
  }
