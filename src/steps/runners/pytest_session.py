# Before the fork, where it can be: a pytest session up to its collection, for one file that is run from memory.
import ast, gc, os, re, sys

# Plugins that one file without options does without; each costs a millisecond or two.
NOT_NEEDED = "cacheprovider junitxml pastebin doctest faulthandler setuponly setupplan stepwise logging threadexception unraisableexception terminalreporter".split()
# Of these, the ones whose fixtures a test file may ask for.
OF_FIXTURES = {
    "caplog": "logging", "cache": "cacheprovider", "doctest_namespace": "doctest", "record_property": "junitxml",
    "record_testsuite_property": "junitxml", "record_xml_attribute": "junitxml",
}
ASKED_FOR = re.compile(r"(?:\bdef \w+\(|usefixtures\(|getfixturevalue\()([^)]*)")


def prepared_session(folder):
    """One for all runs of this process that need no further plugins."""
    if folder not in sessions:
        sessions[folder] = Prepared(folder, frozenset(), conftest=False)
        gc.freeze()
    return sessions[folder]


sessions = {}


class Prepared:
    """A pytest session up to its collection: half of its cost is the scan of plugins for fixtures."""

    def __init__(self, folder, plugins, conftest):
        import pdb

        import _pytest.assertion.rewrite, _pytest.config, _pytest.main
        import _pytest.python, _pytest.runner, _pytest.unittest  # noqa: F401

        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        back, finders, set_trace = os.getcwd(), list(sys.meta_path), pdb.set_trace
        os.chdir("/")  # pytest asks where it was called, and the job's own folder may not be there yet.
        arguments = ["-c", os.devnull, "--rootdir", "/", "--capture=no", "--color=no", "-o", "pythonpath="]
        arguments += [] if conftest else ["--noconftest"]
        for name in NOT_NEEDED:
            arguments += [] if name in plugins else ["-p", "no:" + name]
        for name in plugins_of_template():
            arguments += ["-p", name]
        _pytest.runner._update_current_test_var = name_current_test
        _pytest.assertion.rewrite.traverse_node = nodes_without_place
        self.reporter = Reporter()
        self.config = _pytest.config._prepareconfig(
            arguments + [os.path.join(folder, TEST_MODULE + ".py")], plugins=[self.reporter])
        self.session = _pytest.main.Session.from_config(self.config)
        self.session.exitstatus = 0
        self.config._do_configure()
        self.config.hook.pytest_sessionstart(session=self.session)
        if not conftest:
            self.reporter.expect(self.session, os.path.join(folder, TEST_MODULE + ".py"))
        # Whoever is forked for something else is not to notice.
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        # What rewrites the assertions of a conftest.py has the session, which leads to all tests and what they are given.
        self.finders = [finder for finder in sys.meta_path if finder not in finders and (conftest or not hasattr(finder, "config"))]
        sys.meta_path[:], pdb.set_trace = finders, set_trace
        os.chdir(back)


class JobFinder:
    """Finds the job's own modules before any other of the same name."""

    def __init__(self, folder, names):
        from importlib.machinery import PathFinder

        self.find, self.folder, self.names = PathFinder.find_spec, [folder], names

    def find_spec(self, name, path=None, target=None):
        return self.find(name, self.folder) if path is None and name in self.names else None


def name_current_test(item, when):
    """As pytest does, for whoever asks whether it is being tested, but without the arguments of the test: what is expected may be among them."""
    if when:
        os.environ["PYTEST_CURRENT_TEST"] = "%s (%s)" % (item.nodeid.partition("[")[0], when)
    else:
        os.environ.pop("PYTEST_CURRENT_TEST", None)


def hide_item():
    """What explains comparisons has the test that runs, with what it is given."""
    from _pytest.assertion import util

    explanations = explained(util._reprcompare)
    next(explanations)
    util._config, send = None, explanations.send
    util._reprcompare = lambda op, left, right: send((op, left, right))


def explained(explain):
    """A generator keeps it, as the tests' text is kept."""
    answer = None
    while True:
        compared = yield answer
        try:
            answer = explain(*compared)
        except Exception:
            answer = None


def nodes_without_place(tree):
    """What pytest goes through in each assertion that it has rewritten, to give new nodes a line: only these, and no recursion."""
    queue = [tree]
    while queue:
        node = queue.pop()
        if not hasattr(node, "lineno"):
            yield node
        for field in node._fields:
            value = getattr(node, field, None)
            for child in value if type(value) is list else (value,):
                if isinstance(child, (ast.expr, ast.stmt, ast.keyword)):
                    queue.append(child)


def plugins_of_template():
    """pytest's plugins that the template has installed; scanning for them by pytest itself is slow."""
    found = []
    for folder in sys.path:
        if not folder.endswith("-packages") or not os.path.isdir(folder):
            continue
        for entry in os.listdir(folder):
            if not entry.endswith(".dist-info") or entry.startswith(("pytest_cov-", "anyio-", "pytest-", "coverage-")):
                continue
            try:
                with open(os.path.join(folder, entry, "entry_points.txt"), encoding="utf-8") as file:
                    text = file.read()
            except OSError:
                continue
            if "[pytest11]" in text:
                section = text.partition("[pytest11]")[2].partition("\n[")[0]
                found += [line.partition("=")[2].strip() for line in section.splitlines() if "=" in line]
    return found
