/** The version of this package, as receipts record it. */
export const version = "0.0.0";
