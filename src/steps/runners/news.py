# In the parent: what it hears of a child, and what it tells the step of it.


class Printer:
    """
    Prints to the step, by the stream that was there before any of the code ran. A line waits a moment for the next ones: a piece of the stream
    costs all who pass it on as much as many lines do.
    """

    def __init__(self):
        self.stream, self.held, self.size, self.since = sys.stdout, [], 0, 0

    def __call__(self, **document):
        line = json.dumps(document) + "\n"
        if not self.held:
            self.since = time.monotonic()
        self.held.append(line)
        self.size += len(line)
        if self.size > CHUNK or time.monotonic() - self.since > HELD_SECONDS:
            self.flush()

    def flush(self):
        if self.held:
            self.stream.write("".join(self.held))
            self.stream.flush()
            self.held, self.size = [], 0


class News:
    """Checks that news are complete, in order and from the child itself."""

    def __init__(self, show):
        self.show, self.buffer, self.nonce, self.count, self.finished, self.forged = show, b"", None, 0, False, False
        # Of tests of pytest's: what has become of each, which must tell that they have begun, and which has, and whether it raised anything.
        self.cases, self.must_begin, self.ran = {}, frozenset(), {}

    def feed(self, data):
        self.buffer += data
        if len(self.buffer) > 16 * 1024 * 1024:
            return self.fake("news that never ended")
        *lines, self.buffer = self.buffer.split(b"\n")
        for line in lines:
            self.line(line)

    def line(self, line):
        import ast

        if self.nonce is None:  # The first line is said before any of the code runs.
            self.nonce = line
            return
        head = b"%s %d " % (self.nonce, self.count)
        if self.forged:
            return
        if not line.startswith(head):
            return self.fake("a line of news that the runner did not write: " + line[:80].decode("utf-8", "replace"))
        if self.finished:
            return self.fake("news after the end")
        self.count += 1
        try:
            news = ast.literal_eval(line[len(head) :].decode("utf-8", "replace"))
        except (ValueError, SyntaxError):
            return self.fake("news that cannot be read")
        self.finished = news[0] == "finish"
        if news[0] == "phase":
            return self.phase(*news[1:])
        if news[0] in ("begun", "raised"):
            self.ran[news[1]] = news[0]
            return None
        if news[0] == "start":
            self.ran.clear()
        self.show(news=news)

    def phase(self, name, when, outcome, ms, message, kind):
        """Of a test. Once it has failed, nothing that comes later makes that good."""
        test = name.partition("[")[0]
        if (when, outcome) == ("call", "passed") and test in self.must_begin:
            became = self.ran.get(test.rpartition("::")[2])
            if became != "begun":
                self.fake("the test %s was reported %s" % (name, "as passed, and had failed" if became else "without having run"))
        case = self.cases.setdefault(name, {"outcome": "passed", "message": "", "kind": "", "called": False})
        case["called"] = case["called"] or when == "call"
        if outcome == "failed" and case["outcome"] != "failed" or outcome == "skipped" and case["outcome"] == "passed":
            case.update(outcome=outcome, message=message, kind=kind)
        if when == "teardown":
            if case["outcome"] == "passed" and not case["called"]:
                case.update(outcome="failed", message="the test was not called")
            self.show(news=["done", name, case["outcome"], ms, case["message"], case["kind"]])

    def fake(self, sentence):
        if not self.forged:
            self.forged = True
            self.show(forged=sentence)
