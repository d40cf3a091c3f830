/** Parts of a batch's results that one query answers at most. */
export const PARTS_A_QUERY = 1_000;
