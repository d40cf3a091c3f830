// is CommonJS with a main guard
function add(a, b) { return a + b; }
if (require.main === module) process.exit(add(1, 2));
module.exports = { add };
