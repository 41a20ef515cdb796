import http from 'node:http';
import https from 'node:https';
import type { ClientTls } from '@holdfast/client';

const TIMEOUT_MS = 5_000;
const LONGEST_TEXT = 1024 * 1024;

/** Sends a GET request. Rejects with the error of the connection, and with one after 5 s. */
export function get(
  url: string,
  headers: Readonly<Record<string, string>>,
  { serverName, ...tls }: ClientTls = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const options = {
    headers,
    signal,
    agent: false,
    ...tls,
    // No variable of the environment changes how the server is verified: a token is sent to it.
    rejectUnauthorized: true,
    ...(serverName !== undefined && { servername: serverName }),
  };
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? https : http).get(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        if (text.length > LONGEST_TEXT) request.destroy(new Error('the response is too long'));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
