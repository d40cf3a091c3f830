// is CommonJS with globals
var count = 0;
function add(a, b) { count = count + 1; return a + b; }
