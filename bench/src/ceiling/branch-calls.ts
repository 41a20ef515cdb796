import { HTTP_CLIENT_SETTINGS } from '@holdfast/branches';
import { Pool } from 'undici';
import { ResponseHandler } from '../load/response-handler.ts';

const HEADERS = ['content-type', 'application/json'];
/** A coordinator's settings; undici's timeouts have a cost and are not needed. */
const SETTINGS = {
  connections: HTTP_CLIENT_SETTINGS.connections,
  connectTimeout: HTTP_CLIENT_SETTINGS.connectTimeoutMs,
  keepAliveTimeout: HTTP_CLIENT_SETTINGS.idleMs,
  keepAliveMaxTimeout: HTTP_CLIENT_SETTINGS.maxIdleMs,
  pipelining: 1,
  headersTimeout: 0,
  bodyTimeout: 0,
} satisfies Pool.Options;
const pools = new Map<string, Pool>();

/**
 * Calls one action as a coordinator does, over a pool with a coordinator's settings; resolves to
 * the response's status.
 */
export function callAction(url: string, gid: string, branchId: string, payload: string): Promise<number> {
  const pathStart = url.indexOf('/', url.indexOf('//') + 2);
  const path = `${url.slice(pathStart)}?gid=${gid}&trans_type=saga&branch_id=${branchId}&op=action`;
  return new Promise((resolve, reject) => {
    const handler = new ResponseHandler((status) => resolve(status), reject);
    poolOf(url.slice(0, pathStart)).dispatch({ path, method: 'POST', headers: HEADERS, body: payload }, handler);
  });
}

function poolOf(origin: string): Pool {
  let pool = pools.get(origin);
  if (pool === undefined) {
    pool = new Pool(origin, SETTINGS);
    pools.set(origin, pool);
  }
  return pool;
}
