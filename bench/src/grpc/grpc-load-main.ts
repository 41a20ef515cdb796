import { endWithParent, sendToParent } from '../processes/helper-side.ts';
import type { LoadRequest } from '../load/load.ts';
import { runGrpcLoop } from './grpc-closed-loop.ts';

// The gRPC load: a process that runs one round per message. The process stays for all rounds, so
// that its code is compiled.
endWithParent();
process.on('message', (request) => void runGrpcLoop(request as LoadRequest).then(sendToParent));
