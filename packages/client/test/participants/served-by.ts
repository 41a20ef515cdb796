import { createServer, type Server } from 'node:http';
import type { createAdaptorServer } from '@hono/node-server';
import type express from 'express';
import type { RequestHandler } from 'express';
import type { fastify, FastifyInstance } from 'fastify';
import type { Hono } from 'hono';
import { requireUtf8 } from '../../src/participants/express.ts';
import type { ExpressHandler } from '../../src/participants/express.ts';
import { branchBodies, type FastifyHandler } from '../../src/participants/fastify.ts';
import type { HonoHandler } from '../../src/participants/hono.ts';
import type { Served } from './harness.ts';
import { listening } from './listening.ts';

/** Serves a route at `/debit` as an application does, by a description of how it is set up. */
type Setups<Route> = Readonly<Record<string, (route: Route) => Promise<Served>>>;

/** @param use an Express of any version */
export function expressSetups(use: typeof express): Setups<ExpressHandler> {
  const served = (route: ExpressHandler, ...before: readonly RequestHandler[]) => {
    const app = use();
    for (const middleware of before) app.use(middleware);
    return listening(createServer(app.get('/debit', route).post('/debit', route)));
  };
  return {
    Express: (route) => served(route),
    'Express with express.json()': (route) => served(route, use.json({ limit: '1mb', verify: requireUtf8 })),
    'Express with express.json() that takes scalars': (route) =>
      served(route, use.json({ limit: '1mb', strict: false, verify: requireUtf8 })),
    'Express with express.raw()': (route) => served(route, use.raw({ limit: '1mb', type: 'application/json' })),
    'Express with express.urlencoded()': (route) =>
      served(route, use.urlencoded({ extended: true }), use.json({ limit: '1mb', verify: requireUtf8 })),
  };
}

/** @param use a Fastify of any version */
export function fastifySetups(use: typeof fastify): Setups<FastifyHandler> {
  const served = async (route: FastifyHandler, setUp: (app: FastifyInstance) => unknown): Promise<Served> => {
    const app = use({ forceCloseConnections: true }) as FastifyInstance;
    await setUp(app);
    app.route({ method: ['GET', 'POST'], url: '/debit', handler: route });
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
  };
  return {
    Fastify: (route) => served(route, (app) => app.register(branchBodies)),
    'Fastify with raw bodies': (route) =>
      served(route, (app) =>
        app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body)),
      ),
  };
}

/** @param use Hono and its server, of any version */
export function honoSetups(use: {
  readonly Hono: typeof Hono;
  readonly createAdaptorServer: typeof createAdaptorServer;
}): Setups<HonoHandler> {
  const served = (app: Hono) => listening(use.createAdaptorServer({ fetch: app.fetch }) as Server);
  const readBefore = (read: 'json' | 'text' | 'arrayBuffer' | 'blob') => (route: HonoHandler) =>
    served(
      new use.Hono()
        .use(async (context, next) => {
          await context.req[read]().catch(() => undefined);
          await next();
        })
        .on(['GET', 'POST'], '/debit', route),
    );
  return {
    Hono: (route) => served(new use.Hono().on(['GET', 'POST'], '/debit', route)),
    'Hono behind a middleware that reads arrayBuffer()': readBefore('arrayBuffer'),
    'Hono behind a middleware that reads text()': readBefore('text'),
    'Hono behind a middleware that reads json()': readBefore('json'),
    'Hono behind a middleware that reads blob()': readBefore('blob'),
  };
}
