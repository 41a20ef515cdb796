import {
  type OperationName,
  type RejectionCode,
  renameField,
  type Status,
  type StreamName,
  withField,
} from '@holdfast/protocol';
import { RequestRejected } from '../errors.ts';
import { sdkNamesOf } from './field-names.ts';

/** The request that was rejected. */
export interface RejectedRequest {
  readonly operation: OperationName | StreamName;
  readonly input: object;
}

/** A rejection in the words of the API. */
export interface ApiRejection {
  readonly message: string;
  /** The message without the field's name; undefined if an earlier coordinator does not send it. */
  readonly fault: string | undefined;
  readonly field: string | undefined;
  readonly gid: string | undefined;
  readonly status: Status | undefined;
  readonly cause?: unknown;
}

/**
 * The error for the application, which names the field as the application does; the only place that
 * translates names of fields.
 */
export function rejectionOf(
  { operation, input }: RejectedRequest,
  code: RejectionCode,
  rejection: ApiRejection,
): RequestRejected {
  const { message, fault } = rejection;
  if (rejection.field === undefined) return new RequestRejected(code, message, rejection);
  const field = renameField(rejection.field, sdkNamesOf(operation, input));
  return new RequestRejected(code, fault === undefined ? message : withField(field, fault), { ...rejection, field });
}
