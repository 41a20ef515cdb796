/**
 * The signals that stop a coordinator. This module imports nothing: it is the first one that runs.
 */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

type OnSignal = (signal: NodeJS.Signals) => void;

/** Ends a coordinator that has not begun to start: there is nothing to finish or to release. */
export const endAtOnce: OnSignal = () => process.exit(0);

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** Ends any other command as the signal does by itself, except for process 1 of a container. */
export const endCommand: OnSignal = (signal) => process.exit(128 + (SIGNAL_NUMBERS[signal] ?? 0));

export function onStopSignals(listener: OnSignal): void {
  for (const signal of STOP_SIGNALS) process.on(signal, listener);
}

/** From now on the signals are for `listener`. */
export function takeStopSignals(listener: OnSignal): void {
  onStopSignals(listener);
  for (const signal of STOP_SIGNALS) process.off(signal, endAtOnce);
}
