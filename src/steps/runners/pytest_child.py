# In the child: runs the test file with pytest, from memory, and tells of each test.
import ast, builtins, gc, os, re, sys, time

TEST_MODULE = "test_solution"
FOOTING = (
    "operator math pluggy._hooks pluggy._callers pluggy._manager pluggy._result pytest _pytest.main _pytest.python _pytest.runner "
    "_pytest.reports _pytest.outcomes _pytest.unittest _pytest.raises _pytest.python_api _pytest.approx _pytest.skipping "
    "_pytest.nodes _pytest._code.code _pytest.config _pytest.compat _pytest.mark.structures _pytest.assertion "
    "_pytest.assertion.rewrite _pytest.assertion.util _pytest.recwarn _pytest.fixtures unittest.case unittest.result unittest.suite "
    "unittest.loader unittest.runner unittest.util"
).split()


def pytest_body(plan, tree, news):
    """What is the same for every test file is done here, before the fork."""
    asked = {name for names in ASKED_FOR.findall(plan["tests"]) for name in re.findall(r"\w+", names)}
    plugins = frozenset(OF_FIXTURES[name] for name in asked & OF_FIXTURES.keys())
    # A process cannot be prepared for two kinds of session, so one with other plugins is made in the child.
    prepared = None if plan["conftest"] or plugins else prepared_session(plan["folder"])
    named = named_footing(plan["tests"])
    own = OwnNames(tree)
    news.must_begin = {owner + "::" + name if owner else name for owner, name in own.functions}
    if prepared:
        prepared.reporter.plan = plan
    ready = prepared and ahead(plan, named, lambda: prepared.reporter.prepare(plan, tree, own, named))

    def body(fd):
        reset_signals()
        fresh_streams()
        reseed()
        limit_memory(plan["memoryMb"])
        start_guard(fd, plan["folder"], plan["code"], os.path.join(plan["folder"], TEST_MODULE + ".py"), frozenset(own.constants))
        gc.disable()  # Until the code runs: all that is made up to then stays.
        try:
            mine = prepared or Prepared(plan["folder"], plugins, plan["conftest"])
        except BaseException as error:
            if not plan["conftest"]:
                raise
            leave(run_pytest(plan, sys.audit, failure=getattr(error, "cause", error)))
        if not ready:
            mine.reporter.prepare(plan, ast.parse(plan["tests"]), own, named)
        leave(run_pytest(plan, sys.audit, mine))

    return body


def run_pytest(plan, audit, prepared=None, failure=None):
    """The failure is that of a conftest.py, which is read before anything else."""
    from _pytest.outcomes import Exit

    folder = plan["folder"]
    if failure is not None:
        audit("assay.tell", *say_error(failure, folder))
        audit("assay.tell", "finish")
        return 1
    path = os.path.join(folder, TEST_MODULE + ".py")
    sys.dont_write_bytecode = True
    sys.path[:] = [entry for entry in sys.path if entry not in ("", folder)] + [folder]
    sys.meta_path[:0] = [JobFinder(folder, set(plan["modules"])), *prepared.finders]
    fresh_main(path)
    for holder in (sessions, made):
        holder.clear()  # They lead to the tests.
    config, session, reporter = prepared.config, prepared.session, prepared.reporter
    reporter.show_tests()
    reporter.measure()
    gc.freeze()
    gc.enable()
    audit("assay.tell", "ready")
    try:
        config.hook.pytest_collection(session=session)
        config.hook.pytest_runtestloop(session=session)
    except (KeyboardInterrupt, session.Failed, Exit):
        pass  # An end before the end: what is missing from the news shows it.
    except BaseException as error:
        audit("assay.tell", *say_error(error, folder))
    finally:
        try:
            config.hook.pytest_sessionfinish(session=session, exitstatus=session.exitstatus)
        finally:
            config._ensure_unconfigure()
    return reporter.finish()


class Reporter:
    """A pytest plugin. What it says goes through the guard, so it holds no secret."""

    def __init__(self):
        import pytest, unittest

        self.skipping = pytest.skip.Exception, pytest.xfail.Exception, unittest.SkipTest
        pytest.hookimpl(hookwrapper=True)(Reporter.pytest_runtest_makereport)
        pytest.hookimpl(tryfirst=True)(Reporter.pytest_collection)
        self.clock, self.module_type = time.perf_counter, memory_module(pytest)
        self.coverage, self.snapshots, self.hooks, self.file = None, (), None, None
        self.now = {}  # Of the test that runs. No attribute is set anew once the code runs: the guard would tell.

    def prepare(self, plan, tree, own, named):
        """What becomes of the tests, whatever the code is."""
        from _pytest.assertion.rewrite import rewrite_asserts

        self.plan, self.audit, self.path, self.own = plan, sys.audit, os.path.join(plan["folder"], TEST_MODULE + ".py"), own
        self.reads_itself = READS_ITSELF.search(plan["tests"]) is not None
        # Whether the tests say that some of them are not to run; a conftest.py may do so for them, and asynchronous ones may have no runner.
        self.may_skip = plan["conftest"] or any(word in plan["tests"] for word in ("skip", "xfail", "expectedFailure", "async def"))
        self.snapshots = self.snapshots[0], named
        rewrite_asserts(tree, plan["tests"].encode(), self.path, self.config)
        self.looker = Looker(self.audit, plan["folder"], plan["tests"], {self.path}, [named])
        self.code = compile_looking(tree, self.path, self.looker, own.known)
        self.codes = freeze_codes(self.code)
        return True

    def tell(self, *news):
        self.audit("assay.tell", *news)

    def seal(self):
        self.audit("assay.seal", self, self.looker)

    def show_tests(self):
        show_tests(self.path, self.plan["tests"], self.plan["folder"])

    def measure(self):
        if self.plan.get("coverage"):
            import coverage

            self.coverage = coverage.Coverage(
                data_file=None, branch=True, config_file=False, source=[self.plan["folder"]], omit=[self.path, "*/conftest.py"])
            self.coverage.start()

    def pytest_sessionstart(self, session):
        import pytest
        from _pytest.debugging import pytestPDB

        # These would lead whoever imports pytest to all tests and what they are given.
        session.reporter, pytest.mark._config, pytestPDB._config, pytestPDB._pluginmanager = self, None, None, None
        self.snapshots = (Snapshot(FOOTING),)

    def pytest_collection(self, session):
        """As pytest does it, but of the one file, which is known already: nobody needs to look for it in every folder on the way to it."""
        self.hooks = self.registered(session.config)
        if self.file is None:
            return None
        items = session.items = []
        try:
            items.extend(session.genitems(self.file))
            session.config.pluginmanager.check_pending()
            session.config.hook.pytest_collection_modifyitems(session=session, config=session.config, items=items)
        finally:
            session.config.hook.pytest_collection_finish(session=session)
        session.testscollected = len(items)
        return True

    def registered(self, config):
        hook = config.hook
        return [(id(impl), id(impl.function)) for name in ("pytest_runtest_protocol", "pytest_runtest_makereport", "pytest_runtest_logreport",
                                      "pytest_runtest_call", "pytest_pyfunc_call", "pytest_collection_modifyitems")
                for impl in getattr(hook, name).get_hookimpls()]

    def expect(self, session, path):
        from pathlib import Path

        self.file = self.module_type.from_parent(session, path=Path(path))

    def pytest_pycollect_makemodule(self, module_path, parent):
        if str(module_path) == self.path:
            return self.module_type.from_parent(parent, path=module_path)

    def check(self, config):
        sentence = first_change(self.snapshots)
        if not sentence and self.registered(config) != self.hooks:
            sentence = "pytest's hooks were replaced"
        sentence = sentence or self.own.changed(vars(self.module), self.codes) or of_every_class()
        if sentence:
            self.tell("tamper", sentence)

    def pytest_exception_interact(self, node, call, report):
        if report.when == "collect":
            error = call.excinfo.value
            cause = error.__cause__ if type(error).__name__ == "CollectError" and error.__cause__ else error
            self.tell(*say_error(cause, self.plan["folder"]))

    def pytest_collection_finish(self, session):
        self.tell("collected", tuple(name_of(item) for item in session.items))

    def pytest_runtest_logstart(self, nodeid, location):
        self.now["started"] = self.clock()

    def raised_by_code(self, paths):
        """Whether any of the frames is of the job's own files other than the tests."""
        theirs = self.plan["folder"] + os.sep
        return any(path.startswith(theirs) and path != self.path and not path.endswith("conftest.py") for path in paths)

    def pytest_runtest_makereport(self, item, call):
        by_code, kind = False, ""
        if call.excinfo is not None:
            by_code = self.raised_by_code(str(entry.path) for entry in call.excinfo.traceback)
            by_code = by_code and isinstance(call.excinfo.value, self.skipping)
            kind = type(call.excinfo.value).__name__
        self.show_tests()  # The code may have asked for them.
        yield  # Others turn unittest's exception for a skipped test into pytest's own.
        self.now.update(by_code=by_code, kind=kind)

    def pytest_runtest_logreport(self, report):
        name, message, kind = report.nodeid.partition("::")[2], "", ""
        if report.outcome == "failed":
            message, kind = report.longreprtext.replace(self.plan["folder"][1:] + "/", "")[-6000:], self.now.get("kind", "")
        elif report.outcome == "skipped":
            message = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else getattr(report, "wasxfail", ""))[:1000]
            if self.now.get("by_code") or not self.may_skip:
                self.tell("tamper", "the code under test skipped %s" % name)
        elif report.when == "call":
            self.looker.unheard()
        if report.when != "setup" or report.outcome != "passed":
            self.tell("phase", name, report.when, report.outcome, (self.clock() - self.now["started"]) * 1000, message, kind)

    def pytest_runtest_protocol(self, item, nextitem):
        hide_item()
        self.looker.failed.clear()
        self.tell("start", name_of(item))

    def pytest_runtest_logfinish(self, nodeid, location):
        self.show_tests()  # And what was shown in full stays in the cache.
        self.check(self.config)

    def pytest_configure(self, config):
        self.config = config

    def finish(self):
        self.looker.finish()
        if self.coverage is not None:
            self.coverage.stop()
            self.tell("coverage", *coverage_of(self.coverage, self.plan["folder"]))
        self.tell("finish")
        return 0


def memory_module(pytest):
    """The test file as pytest collects it, but run from memory and never from the disk."""
    class MemoryModule(pytest.Module):
        def _getobj(self):
            import types

            reporter = self.session.reporter  # Whoever has this class does not have it.
            if os.path.lexists(reporter.path) and not reporter.reads_itself:
                os.remove(reporter.path)
            module = types.ModuleType(TEST_MODULE)
            module.__file__, module.__builtins__ = reporter.path, builtins
            sys.modules[TEST_MODULE] = veil(module, reporter.plan["folder"], reporter.path, reporter.tell)
            reporter.module = module
            reporter.seal()
            try:
                exec(reporter.code, vars(module))
            except pytest.skip.Exception as error:
                if reporter.raised_by_code(frame.tb_frame.f_code.co_filename for frame in frames_of(error)):
                    reporter.tell("tamper", "the code under test skipped the test file")
                raise
            except SystemExit as error:
                reporter.tell(*say_error(error, reporter.plan["folder"]))
                raise
            except Exception as error:
                raise self.CollectError(str(error)) from error
            if reporter.own.star:
                shadows(vars(module), reporter.looker)
            reporter.check(self.config)
            self.config.pluginmanager.consider_module(module)
            return module

    return MemoryModule


def frames_of(error):
    entry = error.__traceback__
    while entry is not None:
        yield entry
        entry = entry.tb_next


def name_of(item):
    return item.nodeid.partition("::")[2]


def coverage_of(coverage, folder):
    files = []
    for path in sorted(coverage.get_data().measured_files()):
        analysis = coverage._analyze(path)
        numbers = analysis.numbers
        files.append((os.path.relpath(path, folder), numbers.n_statements - numbers.n_missing, numbers.n_statements,
                      numbers.n_branches - numbers.n_missing_branches, numbers.n_branches, tuple(sorted(analysis.missing))))
    return files
