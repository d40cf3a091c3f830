import { describe, expect, test } from 'vitest';
import type { Language } from '../../src/domain/language.ts';
import { validateCode } from '../../src/validation/validate-code.ts';

const rejected: readonly (readonly [Language, string, string])[] = [
  ['python', 'no-eval', 'eval("1")'],
  ['python', 'no-eval', 'import builtins\nbuiltins.eval("1")'],
  ['python', 'no-eval', 'e = eval\ne("1")'],
  ['python', 'no-eval', 'exec("x = 1")'],
  ['python', 'no-eval', 'compile("1", "", "eval")'],
  ['python', 'no-eval', 'eval("1")\neval = None'],
  ['python', 'no-eval', 'eval = len\ndel eval\neval("1")'],
  ['python', 'no-eval', 'if x:\n    eval = len\neval("1")'],
  ['python', 'no-eval', 'list(map(eval, ["1"]))'],
  ['python', 'no-eval', '__builtins__["eval"]("1")'],
  ['python', 'no-dynamic-import', '__import__("json")'],
  ['python', 'no-dynamic-import', 'import importlib\nimportlib.import_module("json")'],
  ['python', 'no-unlisted-import', 'import os'],
  ['python', 'no-unlisted-import', 'from os import path'],
  ['python', 'no-unlisted-import', 'import numpy, socket'],
  ['python', 'no-unlisted-import', '__import__(name)'],
  ['python', 'no-shell', 'import os\nos.system("ls")'],
  ['python', 'no-shell', 'import subprocess\nsubprocess.run("ls", shell=True)'],
  ['python', 'no-process-spawn', 'import subprocess\nsubprocess.run(["ls"])'],
  ['python', 'no-process-spawn', 'from subprocess import Popen as P\nP(["ls"])'],
  ['python', 'no-network', 'import socket\nsocket.socket()'],
  ['python', 'no-network', 'import urllib.request\nurllib.request.urlopen("http://x")'],
  ['python', 'no-file-write', 'open("a.txt", "w")'],
  ['python', 'no-file-write', 'open("a.txt", mode="ab")'],
  ['python', 'no-file-write', 'from pathlib import Path\nPath("a").write_text("x")'],
  ['python', 'no-file-write', 'import os\nos.remove("a")'],
  ['python', 'no-unsafe-deserialization', 'import pickle\npickle.loads(data)'],
  ['python', 'no-environment', 'import os\nos.environ["HOME"]'],
  ['javascript', 'no-eval', 'eval("1")'],
  ['javascript', 'no-eval', 'new Function("return 1")()'],
  ['javascript', 'no-eval', 'setTimeout("x()", 1)'],
  ['javascript', 'no-eval', 'require("node:vm").runInThisContext("1")'],
  ['javascript', 'no-unlisted-import', 'import fs from "fs"'],
  ['javascript', 'no-unlisted-import', 'const { readFile } = require("node:fs")'],
  ['javascript', 'no-unlisted-import', 'export * from "net"'],
  ['javascript', 'no-unlisted-import', 'await import(name)'],
  ['javascript', 'no-dynamic-import', 'process.getBuiltinModule("util")'],
  ['javascript', 'no-process-spawn', 'require("child_process").spawn("ls")'],
  ['javascript', 'no-network', 'await fetch("http://x")'],
  ['javascript', 'no-file-write', 'require("fs").writeFileSync("a", "b")'],
  ['javascript', 'no-environment', 'process.env.HOME'],
  ['typescript', 'no-eval', '(eval as any)("1")'],
  ['typescript', 'no-unlisted-import', "import fs = require('fs');"],
  ['bash', 'no-eval', 'eval "$x"'],
  ['bash', 'no-network', 'curl https://example.org'],
  ['bash', 'no-file-write', 'rm a.txt'],
  ['bash', 'no-superuser', 'sudo ls'],
];

const accepted: readonly (readonly [Language, string])[] = [
  ['python', 'import re\np = re.compile("a")\nprint(p)'],
  ['python', 'import pandas as pd\ndf = pd.DataFrame()\ndf.eval("a + b")\ndf.to_csv("out.csv")'],
  ['python', 'def score(model):\n    return model.eval()'],
  ['python', 'def run(cursor):\n    cursor.execute("select 1")\n    cursor.exec("x")'],
  ['python', 'def eval_loss(x):\n    return x\nprint(eval_loss(1))'],
  ['python', 'def f(eval):\n    return eval("x")'],
  ['python', 'def eval(x):\n    return x\nprint(eval(1))'],
  ['python', '"""eval(1)"""\n# eval(1)\nprint("eval(1)", dict(eval=1))'],
  ['python', 'import requests, json\nprint(json.dumps(requests.get("https://example.org").json()))'],
  ['python', 'import math, collections.abc\nfrom sklearn.linear_model import LinearRegression\nprint(math.pi, open("in.txt").read())'],
  ['python', 'import matplotlib.pyplot as plt\nplt.plot([1])\nplt.savefig("out.png")'],
  ['javascript', '/eval/.exec("x"); const o = { eval: (x) => x, exec() {} }; o.eval("1"); o.exec()'],
  ['javascript', 'import assert from "node:assert"; import { test } from "node:test"; import { add } from "./solution.js"; test("x", () => assert.equal(add(1, 2), 3))'],
  ['typescript', "import type { Stats } from 'node:fs';\nexport const size = (stats: Stats): number => stats.size;"],
  ['bash', 'for x in 1 2 3; do echo "eval $x; curl"; done > out.txt # rm a'],
]; // prettier-ignore

describe('strict', () => {
  test.each(rejected)('%s: %s: %s', async (language, rule, code) => {
    const result = await validateCode({ language, code, policy: 'strict' });
    expect(result.findings.map((finding) => finding.rule)).toContain(rule);
    expect(result.accepted).toBe(false);
  });

  test.each(accepted)('lets pass: %s: %s', async (language, code) => {
    expect((await validateCode({ language, code, policy: 'strict' })).findings).toEqual([]);
  });
});
