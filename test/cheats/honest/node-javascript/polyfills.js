// adds methods to prototypes and globals
Array.prototype.last = function () { return this[this.length - 1]; };
String.prototype.shout = function () { return this.toUpperCase(); };
globalThis.helper = () => 1;
export const add = (a, b) => [a + b].last();
