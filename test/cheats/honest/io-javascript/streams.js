// reads by streams and ends by process.exit
let text = '';
process.stdin.on('data', (data) => (text += data)).on('end', () => {
  process.stdout.write(`${text.trim().split(' ').map(Number).reduce((a, b) => a + b)}\n`, () => process.exit(0));
});
