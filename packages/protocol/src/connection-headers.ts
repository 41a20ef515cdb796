import { URL_COORDINATES_HEADER } from './coordinates.ts';

/**
 * Headers of the connection or the coordinator. They are not sent, as in Go's client library, since
 * some clients pass on all headers that they received.
 */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  // These identify a call over gRPC.
  'dtm-gid',
  'dtm-trans_type',
  'dtm-branch_id',
  'dtm-op',
  'dtm-dtm',
  // A compressed response could not be interpreted.
  'accept-encoding',
  URL_COORDINATES_HEADER,
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Whether a header, with its name in lower case, belongs to the connection or the coordinator. */
export const isConnectionHeader = (lowerName: string): boolean => CONNECTION_HEADERS.has(lowerName);
