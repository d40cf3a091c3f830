# In the child: code and assertions in one namespace (`script`), or the code as a program of its own (`io`).
import ast, builtins, sys, time

SCRIPT_FOOTING = ("operator", "math")


def enter(plan):
    reset_signals()
    fresh_streams()
    reseed()
    limit_memory(plan["memoryMb"])
    sys.dont_write_bytecode = True
    sys.path[:] = [plan["folder"]] + [entry for entry in sys.path if entry not in ("", plan["folder"])]


def script_body(plan):
    snapshots = [footing(SCRIPT_FOOTING), named_footing(plan["tests"])]

    def body(fd):
        enter(plan)
        asking = start_guard(fd, plan["folder"], plan["code"], plan["folder"] + "/tests.py")
        leave(run_script(plan, sys.audit, snapshots, asking))

    return body


def run_script(plan, audit, snapshots, asking):
    folder = plan["folder"]
    looker = Looker(audit, folder, plan["tests"], {folder + "/tests.py"}, snapshots[1:], asking)
    main = fresh_main(folder + "/solution.py")
    audit("assay.tell", "ready")
    started = time.perf_counter()
    parts = []
    try:
        for part, source in (("tests.py", plan["tests"]), ("solution.py", plan["code"])):
            path = folder + "/" + part
            if part == "tests.py":  # Made ready before any of the code could change how.
                show_tests(path, source, folder)
                tree = compile(source, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
                own = OwnNames(tree)
                read = reads_expectations(plan["code"], tree)
                if read:
                    audit("assay.tell", "tamper", "the code reads what the tests expect (%s)" % read)
                tests = compile_looking(tree, path, looker)
                parts.append((part, tests))
            else:
                linecache.cache[path] = (len(source), None, source.splitlines(True), path)
                parts.insert(0, (part, compile(source, path, "exec", dont_inherit=True)))
        for part, code in parts:
            audit("assay.tell", "start", part)
            if vars(main)["__builtins__"] is not builtins:
                audit("assay.tell", "tamper", "the code replaced the built-ins of its module")
            if part == "tests.py":
                shadows(vars(main), looker)
            exec(code, vars(main))
            changed = first_change(snapshots)
            if changed:
                audit("assay.tell", "tamper", changed)
    except BaseException as error:
        audit("assay.tell", *say_error(error, folder))
        audit("assay.tell", "finish")
        return 1
    looker.unheard()
    looker.finish()
    changed = own.rewritten(vars(main), freeze_codes(tests)) or of_every_class()
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
