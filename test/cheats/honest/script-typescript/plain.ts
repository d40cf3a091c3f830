// is plain TypeScript without anything to transform
interface Sum { readonly a: number; readonly b: number }
const add = (a: number, b: number): number => { const sum: Sum = { a, b }; return sum.a + sum.b; };
