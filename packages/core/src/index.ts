export * from './model.ts';
export * from './store.ts';
export * from './environment.ts';
export * from './observer.ts';
export * from './coordinator.ts';
export * from './engine-options.ts';
