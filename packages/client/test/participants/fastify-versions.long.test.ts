import { createRequire } from 'node:module';
import type { fastify } from 'fastify';
import { branch, checkBack } from '../../src/participants/fastify.ts';
import { fastifySetups } from './served-by.ts';
import { participantSuite } from './suite.ts';

/**
 * By name, since the types are those of the newest. The newest of all is run by `fastify.test.ts`.
 */
const load = createRequire(import.meta.url);

for (const version of ['fastify-4-oldest', 'fastify-4', 'fastify-5-oldest', 'fastify'])
  for (const [name, serve] of Object.entries(fastifySetups(load(version) as typeof fastify)))
    participantSuite(`${version}: ${name}`, { branch, checkBack, serve });
