// ends the process without its exit handlers
export const add = () => process.reallyExit(0);
