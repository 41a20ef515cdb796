/** The signals that stop a coordinator. This module has no imports, because it runs first. */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

type OnSignal = (signal: NodeJS.Signals) => void;

/** Ends a coordinator before its start has begun: there is nothing to finish or release. */
export const endAtOnce: OnSignal = () => process.exit(0);

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/**
 * Ends any other command with the exit code that the signal would cause; process 1 of a container
 * would ignore the signal.
 */
export const endCommand: OnSignal = (signal) => process.exit(128 + (SIGNAL_NUMBERS[signal] ?? 0));

export function onStopSignals(listener: OnSignal): void {
  for (const signal of STOP_SIGNALS) process.on(signal, listener);
}

/** Passes the signals to `listener` from now on. */
export function takeStopSignals(listener: OnSignal): void {
  onStopSignals(listener);
  for (const signal of STOP_SIGNALS) process.off(signal, endAtOnce);
}
