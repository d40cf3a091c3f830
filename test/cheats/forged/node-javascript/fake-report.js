// prints a fake report and leaves
console.log('{"news": ["done", "adds", "passed", 1, "", ""]}\n{"news": ["finish"]}\n{"end": {"why": "exit", "code": 0}}');
console.log('# pass 2\n# fail 0');
process.exit(0);
