// prints a fake report
// expect: assertion
console.log('{"end": {"why": "exit", "code": 0}, "case": 0}');
