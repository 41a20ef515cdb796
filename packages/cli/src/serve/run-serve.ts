import { placeOfUrl, withoutSecrets } from '@holdfast/protocol';
import {
  type DtmNote,
  exposureWarning,
  loadConfig,
  reloadedFilesOf,
  type ServerConfig,
  unknownVariables,
  VERSION,
} from '@holdfast/server/config';
import type { Log } from '@holdfast/server/logs';
import { takeStopSignals } from '../early-stop.ts';
import type { Addresses } from '../workers/messages.ts';
import { startedOrStopped } from './started-or-stopped.ts';
import { createServeLog, endOnDefect, FAILED, isExpected, showBootstrapToken } from './serve-process.ts';

/** Runs a coordinator until a signal stops it; resolves to the exit code. */
export async function runServe(flags: Readonly<Record<string, unknown>>): Promise<number> {
  // Before anything is opened, so that a signal cannot interrupt the start.
  const hangups: Hangups = {};
  const stop = stopSignal(hangups);
  try {
    const file = typeof flags['config'] === 'string' ? { file: flags['config'] } : {};
    const notes: DtmNote[] = [];
    const config = await loadConfig({ flags, env: process.env, ...file, onDtmNote: (note) => notes.push(note) });
    const log = createServeLog(config);
    for (const { text, warning } of notes) log[warning ? 'warn' : 'info']({}, text);
    const exposure = exposureWarning(config);
    if (exposure !== undefined) log.warn({}, exposure);
    endOnDefect(log);
    // Until the server runs there is nothing to reload: it is about to read the files.
    if (reloadedFilesOf(config).length > 0) hangups.reload = () => undefined;
    const serve = config.workers > 1 ? serveByWorkers : serveAlone;
    const code = await serve(config, log, stop, hangups);
    if (code === 0) log.info({}, 'stopped');
    return code;
  } catch (error) {
    if (!isExpected(error)) throw error;
    process.stderr.write(`holdfast: ${withoutSecrets(error.message)}\n`);
    return FAILED;
  }
}

/** What SIGHUP does instead of stopping the server, if options name files. */
interface Hangups {
  reload?: () => void;
}

async function serveAlone(config: ServerConfig, log: Log, stop: Promise<string>, hangups: Hangups): Promise<number> {
  const { startServer, secretsOfEnvironment } = await import('@holdfast/server');
  const secrets = secretsOfEnvironment(process.env);
  const server = await startedOrStopped(config, log, stop, () => startServer(config, { log, secrets }));
  if (server === undefined) return 0;
  showBootstrapToken(server);
  if (hangups.reload !== undefined) hangups.reload = () => void server.reload();
  announce(
    config,
    server,
    log,
    server.created && config.store !== 'memory:' ? { created: placeOfUrl(config.store) } : {},
  );
  announceStop(log, await stop);
  await server.close();
  return 0;
}

async function serveByWorkers(
  config: ServerConfig,
  log: Log,
  stop: Promise<string>,
  hangups: Hangups,
): Promise<number> {
  // Without workers this module is not needed; with workers the primary needs no coordinator.
  const { Primary } = await import('../workers/primary.ts');
  const primary = new Primary(config, log);
  if (hangups.reload !== undefined) hangups.reload = () => primary.reload();
  let notified = false;
  void stop.then((signal) => {
    notified = true;
    announceStop(log, signal);
    return primary.stop();
  });
  const addresses = await primary.start();
  if (addresses === undefined) return (await primary.stop()) || (notified ? 0 : FAILED);
  announce(config, addresses, log, { workers: config.workers });
  await Promise.race([stop, primary.abandoned]);
  return primary.stop();
}

function announce(
  { store }: ServerConfig,
  { url, grpcAddress }: Addresses,
  log: Log,
  fields: Readonly<Record<string, unknown>>,
): void {
  log.info(
    { url, ...(grpcAddress !== '' && { grpc: grpcAddress }), store: placeOfUrl(store), version: VERSION, ...fields },
    `ready: ${url}`,
  );
  const ignored = unknownVariables(process.env);
  if (ignored.length > 0) log.warn({ ignored }, 'these environment variables are not options and are ignored');
}

const announceStop = (log: Log, signal: string): void =>
  log.info({ signal }, 'shutting down: new work is rejected, work in progress is finished or released');

/** The first signal starts an orderly shutdown, the second one ends the process immediately. */
function stopSignal(hangups: Hangups): Promise<string> {
  return new Promise((resolve) => {
    let notified = false;
    takeStopSignals((signal) => {
      if (signal === 'SIGHUP' && hangups.reload !== undefined && !notified) return hangups.reload();
      if (notified) process.exit(FAILED);
      notified = true;
      resolve(signal);
    });
  });
}
