# In the child: code and assertions in one namespace (`script`), or the code as a program of its own (`io`).
import ast, builtins, gc, hashlib, sys, time

SCRIPT_FOOTING = ("operator", "math")


def enter(plan):
    reset_signals()
    fresh_streams()
    reseed()
    limit_memory(plan["memoryMb"])
    sys.dont_write_bytecode = True
    sys.path[:] = [plan["folder"]] + [entry for entry in sys.path if entry not in ("", plan["folder"])]


def ahead(plan, named, make):
    """
    What is made of the tests, before the fork, where it is cheaper, and once for items that follow each other with the same tests. The answer is
    None where it is for the child to make it, with its limits: tests that are large, or not as they should be.
    """
    key = plan["mode"], plan["folder"], hashlib.sha256(plan["tests"].encode("utf-8", "surrogatepass")).digest(), plan.get("conftest"), id(named)
    if key not in made:
        made.clear()
        if len(plan["tests"]) >= MOST_AHEAD:
            return None
        gc.disable()  # Trees are many objects, and stay for as long as they are needed.
        try:
            made[key] = make()
        except Exception:
            return None
        finally:
            gc.enable()
    return made[key]


made = {}
MOST_AHEAD = 200_000


class ScriptTests:
    def __init__(self, plan, snapshots):
        path = plan["folder"] + "/tests.py"
        self.looker = Looker(sys.audit, plan["folder"], plan["tests"], {path}, snapshots)
        tree = compile(plan["tests"], path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        self.own, self.expected = OwnNames(tree), expected_names(tree)
        self.code = compile_looking(tree, path, self.looker, self.own.known)


def script_body(plan):
    snapshots = footing(SCRIPT_FOOTING), named_footing(plan["tests"])
    make = lambda: ScriptTests(plan, snapshots[1:])
    ready = ahead(plan, snapshots[1], make)

    def body(fd):
        enter(plan)
        start_guard(fd, plan["folder"], plan["code"], plan["folder"] + "/tests.py")
        leave(run_script(plan, sys.audit, snapshots, lambda: ready or make()))

    return body


def run_script(plan, audit, snapshots, tests_of):
    folder = plan["folder"]
    path, path_of_tests = folder + "/solution.py", folder + "/tests.py"
    main = fresh_main(path)
    audit("assay.tell", "ready")
    started = time.perf_counter()
    try:
        # All is made ready before any of the code could change how.
        show_tests(path_of_tests, plan["tests"], folder)
        tests = tests_of()
        read = reads_expectations(plan["code"], tests.expected)
        if read:
            audit("assay.tell", "tamper", "the code reads what the tests expect (%s)" % read)
        linecache.cache[path] = (len(plan["code"]), None, plan["code"].splitlines(True), path)
        parts = ("solution.py", compile(plan["code"], path, "exec", dont_inherit=True)), ("tests.py", tests.code)
        made.clear()  # It leads to the tests.
        audit("assay.seal", tests.looker)
        for part, code in parts:
            audit("assay.tell", "start", part)
            if vars(main)["__builtins__"] is not builtins:
                audit("assay.tell", "tamper", "the code replaced the built-ins of its module")
            if part == "tests.py":
                shadows(vars(main), tests.looker)
            exec(code, vars(main))
            changed = first_change(snapshots)
            if changed:
                audit("assay.tell", "tamper", changed)
    except BaseException as error:
        audit("assay.tell", *say_error(error, folder))
        audit("assay.tell", "finish")
        return 1
    tests.looker.unheard()
    tests.looker.finish()
    changed = tests.own.rewritten(vars(main), freeze_codes(tests.code)) or of_every_class()
    if changed:
        audit("assay.tell", "tamper", changed)
    audit("assay.tell", "done", "script", "passed", (time.perf_counter() - started) * 1000, "", "")
    audit("assay.tell", "finish")
    return 0


def program_body(plan):
    """The code as `python solution.py` runs it, without the cost of a new interpreter."""

    def body(_):
        import traceback

        enter(plan)
        path = plan["folder"] + "/solution.py"
        main, code = fresh_main(path), 0
        try:
            exec(compile(plan["code"], path, "exec", dont_inherit=True), vars(main))
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
            if code and not isinstance(error.code, int):
                sys.stderr.write("%s\n" % (error.code,))
        except BaseException as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            traceback.print_exception(error)
            code = 1
        leave(code & 0xFF, write_out)

    return body
