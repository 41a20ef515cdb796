import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Stoppable } from '../started.ts';
import { mariadbPlace, type Place, postgresPlace, redisPlace } from './places.ts';

/** Where accounts are; undefined for what is not installed. */
export interface ParticipantTargets {
  readonly mariadb: string | undefined;
  readonly postgres: string | undefined;
  readonly redis: string | undefined;
}

/**
 * A participant written with `@holdfast/client`, which shares its barriers with the Go cases' own.
 */
export interface Participant extends Stoppable {
  /** Its endpoints are `URL/PLACE/ENDPOINT`, such as `/mariadb/change`. */
  readonly url: string;
}

/**
 * Creates the barriers' tables, as `holdfast barrier-schema` prints them, and serves the places
 * that there are.
 */
export async function startParticipant({ mariadb, postgres, redis }: ParticipantTargets): Promise<Participant> {
  const places = new Map<string, Place>();
  const server = createServer((request, response) => {
    const listener = listenerOf(places, request.url ?? '');
    if (listener === undefined) response.writeHead(404).end();
    else listener(request, response);
  });
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await Promise.all([...places.values()].map((place) => place.close()));
  };
  try {
    if (mariadb !== undefined) places.set('mariadb', await mariadbPlace(mariadb));
    if (postgres !== undefined) places.set('postgres', await postgresPlace(postgres));
    if (redis !== undefined) places.set('redis', redisPlace(redis));
    await once(server.listen(0, '127.0.0.1'), 'listening');
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

function listenerOf(places: ReadonlyMap<string, Place>, url: string): RequestListener | undefined {
  const [, place = '', endpoint = ''] = new URL(url, 'http://participant').pathname.split('/');
  return places.get(place)?.endpoints[endpoint];
}
