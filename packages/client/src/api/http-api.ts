import { transactionDetails, transactionPage, transactionReply } from '@holdfast/protocol';
import type { ConnectOptions } from '../options.ts';
import type { Api } from './api.ts';
import { HttpTransport } from './http-transport.ts';

/** The coordinator's `/api/v1` over HTTP. */
export function httpApi(url: string, options: Required<ConnectOptions>): Api {
  const transport = new HttpTransport(url, options);
  const at = (gid: string, verb = '') => `/transactions/${encodeURIComponent(gid)}${verb}`;
  return {
    create: (body, call) =>
      transport.call({ method: 'POST', path: '/transactions', body, schema: transactionReply, gid: body.gid }, call),
    submitPrepared: (gid, call) =>
      transport.call({ method: 'POST', path: at(gid, '/submit'), schema: transactionReply, gid }, call),
    get: (gid, call) => transport.call({ method: 'GET', path: at(gid), schema: transactionDetails, gid }, call),
    list: (query, call) =>
      transport.call({ method: 'GET', path: '/transactions', query: { ...query }, schema: transactionPage }, call),
    abort: (gid, reason, call) =>
      transport.call(
        { method: 'POST', path: at(gid, '/abort'), body: { reason }, schema: transactionDetails, gid },
        call,
      ),
    retry: (gid, call) =>
      transport.call({ method: 'POST', path: at(gid, '/retry'), schema: transactionDetails, gid }, call),
    close: () => transport.close(),
  };
}
