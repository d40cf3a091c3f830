// swallows uncaught errors and fails by a promise that nobody sees
// expect: any
process.on('uncaughtException', () => {});
process.on('unhandledRejection', () => {});
export const add = () => 0;
