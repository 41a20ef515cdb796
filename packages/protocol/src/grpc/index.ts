export * from './dtm-messages.ts';
export * from './framing.ts';
export * from './standard-messages.ts';
export * from './status.ts';
export * from './grpc-url.ts';
export * from './v1/index.ts';
