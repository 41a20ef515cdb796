import { createRequire } from 'node:module';
import type express from 'express';
import { branch, checkBack } from '../../src/participants/express.ts';
import { expressSetups } from './served-by.ts';
import { participantSuite } from './suite.ts';

/**
 * By name, since the types are those of the newest. The newest of all is run by `express.test.ts`.
 */
const load = createRequire(import.meta.url);

for (const version of ['express-4-oldest', 'express-4', 'express-5-oldest', 'express'])
  for (const [name, serve] of Object.entries(expressSetups(load(version) as typeof express)))
    participantSuite(`${version}: ${name}`, { branch, checkBack, serve });
