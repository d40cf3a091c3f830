// is tested with everything that node:test has
export const add = (a, b) => {
  if (a === null) throw new TypeError('no');
  return a + b;
};
export const now = () => Date.now();
