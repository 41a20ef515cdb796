import Fastify from 'fastify';
import { branch } from '../../src/participants/fastify.ts';
import { participantSuite } from './suite.ts';

participantSuite('Fastify', async (handler, options) => {
  const app = Fastify();
  app.route({ method: ['GET', 'POST'], url: '/debit', handler: branch(handler, options) });
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
});
