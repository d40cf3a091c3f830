// uses an enum and a namespace
enum Sign { Plus, Minus }
namespace Sums { export const zero: number = 0; }
function add(a: number, b: number, sign: Sign = Sign.Plus): number {
  return sign === Sign.Plus ? a + b : Sums.zero;
}
