import { join } from 'node:path';
import type { BranchCallContext } from '@holdfast/client/node-http';
import { branch } from '@holdfast/client/node-http';
import { Ledger } from '../durable/ledger.ts';
import { HttpService, type Listener, sendJson } from './http-service.ts';

/** What a service is, apart from its port and file. */
export interface ServiceDefinition<State, Effect, Order> {
  readonly name: string;
  readonly initial: State;
  readonly apply: (state: State, effect: Effect) => State;
  /** What happens at each of its URLs: the path, and the work. */
  readonly branches: Readonly<Record<string, BranchWork<State, Effect, Order>>>;
}

export type BranchWork<State, Effect, Order> = (
  ledger: Ledger<State, Effect>,
  call: BranchCallContext<Order>,
) => Promise<void>;

export interface Service<State, Effect> {
  readonly http: HttpService;
  readonly ledger: Ledger<State, Effect>;
}

/** Where services are and where they keep their journals. */
export interface ServicePlace {
  readonly port: number;
  readonly folder: string;
  readonly onError: (error: unknown) => void;
}

/**
 * Reads the service's journal and opens its URLs: those of its branches, and `GET /` for what it
 * holds.
 */
export async function openService<State, Effect, Order>(
  definition: ServiceDefinition<State, Effect, Order>,
  { port, folder, onError }: ServicePlace,
): Promise<Service<State, Effect>> {
  const { name, initial, apply, branches } = definition;
  const ledger = await Ledger.open(join(folder, `${name}.journal`), initial, apply);
  const routes: Record<string, Listener> = {
    'GET /': (_request, response) => Promise.resolve(sendJson(response, 200, ledger.state)),
  };
  for (const [path, work] of Object.entries(branches)) {
    routes[`POST /${name}/${path}`] = branch<Order>((call) => work(ledger, call), { onError });
  }
  const http = new HttpService(name, port, routes);
  await http.switchOn();
  return { http, ledger };
}
