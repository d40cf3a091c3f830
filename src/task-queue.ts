/** Apart from the configuration, whose parsers `assay dev` has no use for while it waits. */
export const DEFAULT_TASK_QUEUE = 'assay';
