/** Where the shards of a batch write down what they have found out so far. */
export function batchFolder(batchId: string): string {
  return `batches/${batchId}/`;
}
