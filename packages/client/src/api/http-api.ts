import { topicPage, transactionDetails, transactionPage, transactionReply, workflowProgress } from '@holdfast/protocol';
import type { TransportOptions } from '../options.ts';
import type { Api } from './api.ts';
import { BranchCaller } from './branch-caller.ts';
import { HttpTransport } from './http-transport.ts';

/** A response without a body. */
const NOTHING = { parse: () => undefined };

/** The coordinator's `/api/v1` over HTTP. */
export function httpApi(coordinatorUrl: string, options: Required<TransportOptions>): Api {
  const transport = new HttpTransport(coordinatorUrl, options);
  const branches = new BranchCaller(options.connections);
  const of = (topic: string) => `/topics/${encodeURIComponent(topic)}`;
  const at = (gid: string, verb = '') => `/transactions/${encodeURIComponent(gid)}${verb}`;
  return {
    create: (body, call) =>
      transport.call({ method: 'POST', path: '/transactions', body, schema: transactionReply, gid: body.gid }, call),
    submitPrepared: (gid, body, call) =>
      transport.call({ method: 'POST', path: at(gid, '/submit'), body, schema: transactionReply, gid }, call),
    registerBranch: (gid, body, call) =>
      transport.call({ method: 'POST', path: at(gid, '/branches'), body, schema: NOTHING, gid }, call),
    workflowProgress: (gid, call) =>
      transport.call({ method: 'GET', path: at(gid, '/progress'), schema: workflowProgress, gid }, call),
    finishWorkflow: (gid, body, call) =>
      transport.call({ method: 'POST', path: at(gid, '/finish'), body, schema: transactionReply, gid }, call),
    parkWorkflow: (gid, body, call) =>
      transport.call({ method: 'POST', path: at(gid, '/park'), body, schema: transactionReply, gid }, call),
    // Without the gid for errors: a rejection with a gid comes from a coordinator that has the
    // route.
    heartbeat: (gid, call) => transport.call({ method: 'POST', path: at(gid, '/heartbeat'), schema: NOTHING }, call),
    callBranch: (request) => branches.call(request),
    get: (gid, call) => transport.call({ method: 'GET', path: at(gid), schema: transactionDetails, gid }, call),
    list: (query, call) =>
      transport.call({ method: 'GET', path: '/transactions', query: { ...query }, schema: transactionPage }, call),
    abort: (gid, body, call) =>
      transport.call({ method: 'POST', path: at(gid, '/abort'), body, schema: transactionDetails, gid }, call),
    retry: (gid, call) =>
      transport.call({ method: 'POST', path: at(gid, '/retry'), schema: transactionDetails, gid }, call),
    topics: (query, call) =>
      transport.call({ method: 'GET', path: '/topics', query: { ...query }, schema: topicPage }, call),
    subscribe: (topic, url, remark, call) =>
      transport.call({ method: 'PUT', path: `${of(topic)}/subscribers`, body: { url, remark }, schema: NOTHING }, call),
    unsubscribe: (topic, url, call) =>
      transport.call({ method: 'DELETE', path: `${of(topic)}/subscribers`, query: { url }, schema: NOTHING }, call),
    deleteTopic: (topic, call) => transport.call({ method: 'DELETE', path: of(topic), schema: NOTHING }, call),
    url: transport.url,
    close: async () => {
      await Promise.all([transport.close(), branches.close()]);
    },
  };
}
