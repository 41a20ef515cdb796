import type { Coordinator } from '@holdfast/core';
import type { ApiV1, DtmService } from '@holdfast/api';
import type { HoldfastError } from '@holdfast/protocol';
import { DTM_PROTO, EMPTY_PROTO, HEALTH_PROTO, holdfastService, REFLECTION_PROTOS } from '@holdfast/protocol/grpc';
import { type Log, logDefect } from '../logs/log.ts';
import { dtmMethods } from './dtm-methods.ts';
import type { GrpcMethod } from './grpc-method.ts';
import { healthMethods } from './health.ts';
import { reflectionMethods, servicesIn } from './reflection.ts';
import { v1Methods } from './v1/v1-methods.ts';
import { v1Streams } from './v1/v1-streams.ts';

interface GrpcServices {
  readonly dtm: DtmService;
  readonly api: Pick<ApiV1, 'invokeOf' | 'invokeOfStream'>;
  readonly coordinator: Pick<Coordinator, 'ready'>;
  readonly log: Log;
}

/** Every method that the coordinator offers over gRPC. */
export function grpcMethods({ dtm, api, coordinator, log }: GrpcServices): readonly GrpcMethod[] {
  const files = [DTM_PROTO, holdfastService().file, HEALTH_PROTO, ...REFLECTION_PROTOS, EMPTY_PROTO];
  const onDefect = (error: HoldfastError, path: string): void => logDefect(log, path, error);
  return [
    ...dtmMethods(dtm),
    ...v1Methods(api, onDefect),
    ...v1Streams(api, onDefect),
    ...healthMethods(coordinator, servicesIn(files)),
    ...reflectionMethods(files),
  ];
}
