/** The library `@grpc/grpc-js`, which is loaded with the first call over gRPC. */
export type GrpcLibrary = typeof import('@grpc/grpc-js');

let loading: Promise<GrpcLibrary> | undefined;

/**
 * Loads the library once per process.
 *
 * @throws {Error} it is not installed
 */
export const loadGrpc = (): Promise<GrpcLibrary> => (loading ??= load());

async function load(): Promise<GrpcLibrary> {
  try {
    return await import('@grpc/grpc-js');
  } catch (cause) {
    throw new Error('calls over gRPC need the package @grpc/grpc-js: install it beside @holdfast/client', { cause });
  }
}
