/** Schedules live as long as their server, so one of the command's own is of no use. */
export const SCHEDULE_NEEDS = {
  worker: false,
  lasting:
    'schedules live on a server that outlives this command, and none is running; start assay dev in another terminal, or give --address',
} as const;
