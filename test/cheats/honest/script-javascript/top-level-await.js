// waits at the top level
const ready = await new Promise((resolve) => setTimeout(() => resolve(true), 5));
function add(a, b) { return ready ? a + b : 0; }
