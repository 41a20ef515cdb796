import type { Coordinator } from '@holdfast/core';
import type { DtmService } from '@holdfast/api';
import { DTM_PROTO, EMPTY_PROTO, HEALTH_PROTO } from '@holdfast/protocol/grpc';
import { dtmMethods } from './dtm-methods.ts';
import type { GrpcMethod } from './grpc-method.ts';
import { healthMethods } from './health.ts';
import { reflectionMethods, servicesIn } from './reflection.ts';

const FILES = [DTM_PROTO, HEALTH_PROTO, EMPTY_PROTO];

/** Every method that the coordinator offers over gRPC. */
export const grpcMethods = (dtm: DtmService, coordinator: Pick<Coordinator, 'ready'>): readonly GrpcMethod[] => [
  ...dtmMethods(dtm),
  ...healthMethods(coordinator, servicesIn(FILES)),
  ...reflectionMethods(FILES),
];
