export { collect } from './collect.ts';
export { execute } from './execute.ts';
export { runTests } from './run-tests.ts';
export { validate } from './validate.ts';
