"""Contexts: named, stateful interpreters with a queue of runs each."""

import os
import uuid

from .. import environment
from ..errors import OpError
from . import python
from .kernel import Kernel
from .languages import LANGUAGES

ALIASES = {'py': 'python', 'python3': 'python', 'js': 'javascript', 'ts': 'typescript', 'tslab': 'typescript', 'sh': 'bash'}
LISTED = ('python', 'javascript')
INTERRUPT_S = 2.0


class Context:
    def __init__(self, sandbox, language: str, cwd: str):
        self.id = uuid.uuid4().hex
        self.sandbox, self.language, self.cwd = sandbox, language, cwd
        self.kernel = None
        self.queue = []
        self.current = None

    def describe(self):
        return {'contextId': self.id, 'language': self.language, 'cwd': self.cwd}

    def prepare(self):
        if self.kernel is None:
            if self.language == 'python' and python.shell is None:
                raise OpError('failed_precondition', python.failure)
            self.kernel = Kernel(self.sandbox, self.language, self.cwd, self._kernel_died)

    def submit(self, run):
        self.queue.append(run)
        run.stream.on_cancel = lambda: self._cancelled(run)
        self._next()

    def interrupt(self):
        """Asks the current run to stop, and replaces the kernel if it does not."""
        run, kernel = self.current, self.kernel
        if run is None:
            return
        kernel.interrupt()

        def insist():
            if self.current is run and self.kernel is kernel:
                kernel.killed_for = f'it did not react to an interrupt within {INTERRUPT_S:g} s'
                kernel.kill()

        self.sandbox.loop.later(INTERRUPT_S, insist)

    def discard(self, reason: str):
        """Ends the kernel and its current run at once; the queue goes on in a new kernel."""
        kernel, self.kernel = self.kernel, None
        run, self.current = self.current, None
        if kernel is not None:
            kernel.retire()
        if run is not None:
            run.stream.end(OpError('unavailable', f'the {self.language} kernel was ended: {reason}'))
        self._next()

    def _cancelled(self, run):
        if run is self.current:
            self.interrupt()
        elif run in self.queue:
            self.queue.remove(run)

    def _next(self):
        if self.current is not None or not self.queue:
            return
        self.current = self.queue.pop(0)
        try:
            self.prepare()
        except (OSError, OpError) as error:
            run, self.current = self.current, None
            return run.stream.end(error)
        self.kernel.execute(self.current, self._run_done)

    def _run_done(self):
        self.current = None
        self._next()

    def _kernel_died(self, how: str):
        self.kernel = None
        run, self.current = self.current, None
        if run is not None:
            run.stream.end(OpError('unavailable', f'the {self.language} kernel died: {how}'))
        self._next()


class Run:
    def __init__(self, stream, code: str, envs: dict, touch=False):
        self.stream, self.code, self.envs, self.touch = stream, code, envs, touch


class Contexts:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.table = {}
        self.defaults = {}
        self.operations = {
            'kernel.create': self.create,
            'kernel.prepare': self.prepare,
            'kernel.list': self.list,
            'kernel.remove': self.remove,
            'kernel.restart': self.restart,
            'kernel.execute': self.execute,
            'kernel.interrupt': self.interrupt,
        }

    def kernels(self):
        return [context.kernel for context in self.table.values() if context.kernel is not None]

    def _language(self, name) -> str:
        language = ALIASES.get(str(name).lower(), str(name).lower()) if name else 'python'
        if language not in LANGUAGES:
            raise OpError('invalid_argument', f"unknown language '{name}'; there are {', '.join(LANGUAGES)}")
        return language

    def _make(self, language: str, cwd) -> Context:
        cwd = environment.resolve(cwd or '~')
        if cwd == environment.HOMES['root']:
            environment.home_of('root')
        if not os.path.isdir(cwd):
            raise OpError('invalid_argument', f"the working folder '{cwd}' does not exist")
        context = Context(self.sandbox, language, cwd)
        self.table[context.id] = context
        return context

    def _find(self, request) -> Context:
        context = self.table.get(request['contextId'])
        if context is None:
            raise OpError('not_found', f"there is no context {request['contextId']}")
        return context

    def create(self, stream, request):
        context = self._make(self._language(request.get('language')), request.get('cwd'))
        context.prepare()
        stream.event(context.describe())
        stream.end()

    def prepare(self, stream, request):
        """Starts the interpreter of a language that runs without a context will use."""
        language = self._language(request.get('language'))
        if language != 'python':
            self._default(language).prepare()
            return stream.end()
        self._default(language).submit(Run(stream, '', {}, touch=True))

    def forget_defaults(self):
        """Ends interpreters that have been started with other variables."""
        for context in self.defaults.values():
            self.table.pop(context.id, None)
            context.discard('it was started anew')
        self.defaults = {}

    def add_variables(self, envs: dict):
        for kernel in self.kernels():
            kernel.late_envs.update(envs)

    def _default(self, language: str) -> Context:
        if language not in self.defaults:
            self.defaults[language] = self._make(language, None)
        return self.defaults[language]

    def list(self, stream, request):
        # The ones that every sandbox has, first; what they run in starts with their first run.
        defaults = [self._default(language) for language in LISTED]
        others = [context for context in self.table.values() if context not in defaults]
        stream.listing('contexts', (context.describe() for context in [*defaults, *others]))
        stream.end()

    def remove(self, stream, request):
        context = self._find(request)
        del self.table[context.id]
        self.defaults = {language: known for language, known in self.defaults.items() if known is not context}
        queue, context.queue = context.queue, []
        for run in queue:
            run.stream.end(OpError('not_found', 'the context was removed'))
        context.discard('the context was removed')
        stream.end()

    def restart(self, stream, request):
        context = self._find(request)
        context.discard('the context was restarted')
        stream.end()

    def execute(self, stream, request):
        if request.get('contextId') and request.get('language'):
            raise OpError('invalid_argument', 'give a context or a language, not both')
        code, envs = request['code'], environment.variables(request.get('envs'))
        if not isinstance(code, str):
            raise OpError('invalid_argument', 'the code is not a string')
        if request.get('contextId'):
            context = self._find(request)
        else:
            context = self._default(self._language(request.get('language')))
        context.submit(Run(stream, code, envs))

    def interrupt(self, stream, request):
        self._find(request).interrupt()
        stream.end()
