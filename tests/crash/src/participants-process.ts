import { fileURLToPath } from 'node:url';
import { addressesOf, type ParticipantAddresses } from './participant-urls.ts';
import { Program } from './program.ts';
import type { Security } from './secured/security.ts';
import type { Subject } from './subject.ts';

const PROGRAM = fileURLToPath(new URL('../dist/participants-main.js', import.meta.url));
const STOP_PATIENCE_MS = 30_000;

/** A running participants process. */
export interface ParticipantsProcess extends ParticipantAddresses {
  /** Ends it once the calls it is working on are done. */
  stop(): Promise<void>;
}

/**
 * Starts the participants over a journal; their workflows are coordinated by `coordinator`, which
 * need not be there yet. They live until they are stopped, or this process ends.
 */
export async function startParticipants(
  journalPath: string,
  { origin, grpcAddress }: Pick<Subject, 'origin' | 'grpcAddress'>,
  security?: Security,
): Promise<ParticipantsProcess> {
  const settings = security === undefined ? [] : [security.participantsSettings];
  const program = new Program(PROGRAM, journalPath, origin, grpcAddress, ...settings);
  // The SDK's own calls to branches trust the authorities of the process: those of Node over HTTP,
  // those of @grpc/grpc-js over gRPC.
  const environment = security === undefined ? {} : environmentOf(security);
  const [port, grpcPort] = (await program.start(environment)).split(' ');
  return {
    ...addressesOf(Number(port), Number(grpcPort), security !== undefined),
    async stop() {
      const { failure, errors } = await program.stop(STOP_PATIENCE_MS);
      if (failure === undefined) return;
      const reason = [`the participants failed (${failure}); their journal cannot be trusted`, ...errors];
      throw new Error(reason.join('\n'));
    },
  };
}

const environmentOf = ({ caFile }: Security): Readonly<Record<string, string>> => ({
  NODE_EXTRA_CA_CERTS: caFile,
  GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: caFile,
  // The library sends the address of a branch as the server's name.
  NODE_OPTIONS: '--disable-warning=DEP0123',
});
