// answers objects behind proxies, with getters and symbols
export const add = (a, b) => new Proxy({}, { get: (_, key) => (key === 'sum' ? a + b : undefined) }).sum;
