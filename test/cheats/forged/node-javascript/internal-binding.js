// takes the inspector from Node's internals
const binding = process.binding('inspector');
export const add = () => (binding.Connection ? 0 : 0);
