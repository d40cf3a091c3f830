// replaces Date.now, Math.random and console.log
Date.now = () => 0;
Math.random = () => 0.5;
console.log = () => {};
export const add = (a, b) => a + b;
