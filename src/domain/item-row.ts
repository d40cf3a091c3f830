/** One item as a user wrote it. */
export interface ItemRow {
  /** Counted from 1. */
  line: number;
  /** The parsed row, or why it cannot be parsed. */
  value?: unknown;
  fault?: string;
}
