import { withoutSecrets } from '@holdfast/protocol';
import { surviveClosedOutput } from '../closed-output.ts';
import { createServeLog, endOnDefect, FAILED, isExpected, showBootstrapToken } from '../serve/serve-process.ts';
import { secretsOfEnvironment, startServer } from '@holdfast/server';
import { startedOrStopped } from '../serve/started-or-stopped.ts';
import { PrimaryLink } from './primary-link.ts';

/**
 * One of several processes on a port. Its primary sends its number and configuration and when to
 * stop.
 */
async function runWorker(): Promise<number> {
  const link = new PrimaryLink();
  try {
    const { number, config } = await link.hello();
    const log = createServeLog(config, { worker: number });
    endOnDefect(log);
    const server = await startedOrStopped(config, log, link.stopped, () =>
      startServer(config, { log, siblings: link, secrets: secretsOfEnvironment(process.env) }),
    );
    if (server === undefined) return 0;
    showBootstrapToken(server);
    link.onReload(() => void server.reload());
    link.ready(server);
    log.debug({ reason: await link.stopped }, 'stopping');
    await server.close();
    return 0;
  } catch (error) {
    if (!isExpected(error)) throw error;
    process.stderr.write(`holdfast: ${withoutSecrets(error.message)}\n`);
    return FAILED;
  }
}

surviveClosedOutput();
void runWorker().then((code) => process.exit(code));
