/** What both accounts hold before each transfer, in cents. */
export const OPENING_BALANCE = 100_00;

/** Cents as people write them. */
export const money = (cents: number): string => (cents / 100).toFixed(2);
