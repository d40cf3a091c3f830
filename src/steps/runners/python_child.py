# In the child: code and assertions in one namespace (`script`), or the code as a program of its own (`io`).
import sys, time


def enter(plan):
    reset_signals()
    fresh_streams()
    reseed()
    limit_memory(plan["memoryMb"])
    sys.dont_write_bytecode = True
    sys.path[:] = [plan["folder"]] + [entry for entry in sys.path if entry not in ("", plan["folder"])]


def script_body(plan):
    def body(fd):
        enter(plan)
        start_guard(fd, plan["folder"])
        leave(run_script(plan, sys.audit))

    return body


def run_script(plan, audit):
    import linecache

    folder = plan["folder"]
    snapshot = Snapshot("operator math unittest unittest.case numpy.testing".split())
    main = fresh_main(folder + "/solution.py")
    audit("assay.tell", "ready")
    started = time.perf_counter()
    for part, source in (("solution.py", plan["code"]), ("tests.py", plan["tests"])):
        path = folder + "/" + part
        linecache.cache[path] = (len(source), None, source.splitlines(True), path)
        audit("assay.tell", "start", part)
        try:
            exec(compile(source, path, "exec", dont_inherit=True), vars(main))
        except BaseException as error:
            audit("assay.tell", *say_error(error, folder))
            audit("assay.tell", "finish")
            return 1
        changed = snapshot.changed()
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
        leave(code & 0xFF)

    return body
