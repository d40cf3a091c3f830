# Entry: what the step asks for, by mode.


lean = []


def main(plan):
    if lean and lean[0].suits(plan):
        return lean[0].call("main", plan)
    show = Printer()
    protect(plan["folder"])
    os.makedirs(plan["folder"], exist_ok=True)
    deadline = time.monotonic() + plan["timeoutMs"] / 1000
    try:
        MODES[plan["mode"]](show, plan, deadline)
        if plan.get("clean"):
            clean(show, plan)
    finally:
        show.flush()


def preload(folder):
    """In a process from which sandboxes are made: prepares what their first run needs."""
    prepared_session(folder)


def warm_up(plan):
    """Before the first of many runs."""
    lean.append(LeanParent(plan))
    prepare(plan)


def prepare(plan):
    """Prepares what many runs share, and notes what the sandbox looks like."""
    protect(plan["folder"])
    os.makedirs(plan["folder"], exist_ok=True)
    if plan["pytest"]:
        prepared_session(plan["folder"])
    remember(plan["folder"])


def write_protected(path, text):
    """Writes a file that the code has no business to change. Returns what tells whether it did."""
    try:
        os.remove(path)
    except FileNotFoundError:
        pass
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.chmod(path, 0o444)


def write_files(plan):
    for name, text in plan.get("write", {}).items():
        write_protected(os.path.join(plan["folder"], name), text)


def untouched(path, text):
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read() == text
    except (OSError, ValueError):
        return False


READS_ITSELF = re.compile(r"\b(open|getsize|stat)\(\s*__file__|\bPath\(__file__\)\.(open|read|stat)|\b(abspath|realpath)\(__file__\)$", re.MULTILINE)


def pytest_mode(show, plan, deadline):
    import ast

    path = os.path.join(plan["folder"], TEST_MODULE + ".py")
    try:
        tree = ast.parse(plan["tests"], path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        show(news=say_error(error, plan["folder"]))
        return show(end={"why": "tests-syntax"})
    show(news=["declared", declared_tests(tree)])
    write_protected(os.path.join(plan["folder"], "solution.py"), plan["code"])
    # Beside a conftest.py, pytest looks whether there is one. It goes before any of the code runs, but where the tests read their own file.
    there = plan["tests"] if READS_ITSELF.search(plan["tests"]) else "" if plan["conftest"] else None
    if there is not None:
        write_protected(path, there)
    news = News(show)
    end = run(show, plan, pytest_body(plan, tree, news), deadline, news)
    if os.path.lexists(path) and not untouched(path, there):
        show(forged="a test file was written while the tests ran")
    show(end=end)


def script_mode(show, plan, deadline):
    show(end=run(show, plan, script_body(plan), deadline, News(show)))


def program_mode(show, plan, deadline):
    for index, stdin in enumerate(plan["inputs"]):
        if plan["language"] == "python":
            end = run(show, plan, program_body(plan), deadline, None, stdin.encode(), index)
        else:
            end = run_node(show, plan, deadline, None, stdin.encode(), index)
        show(end=end, case=index)
        if end["why"] != "exit":
            break


def command_mode(show, plan, deadline):
    write_files(plan)
    end = run_node(show, plan, deadline, News(show) if plan["news"] else None)
    watched = plan.get("watch")
    path = watched and os.path.join(plan["folder"], watched)
    if path and os.path.lexists(path) and not untouched(path, plan["write"][watched]):
        show(forged="a test file was written while the tests ran")
    show(end=end)


MODES = {"pytest": pytest_mode, "script": script_mode, "program": program_mode, "command": command_mode}
