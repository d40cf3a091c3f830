import base64

import pytest
from e2b.exceptions import NotFoundException, TimeoutException
from e2b_code_interpreter.charts import ChartType


def test_results_and_logs(sandbox):
    run = sandbox.run_code('import sys\nprint("out")\nprint("err", file=sys.stderr)\n1 + 1')
    assert (run.text, run.logs.stdout, run.logs.stderr) == ('2', ['out\n'], ['err\n'])
    assert run.error is None and run.execution_count > 0


def test_state_is_kept_and_errors_are_told(sandbox):
    sandbox.run_code('state = [1]')
    assert sandbox.run_code('state.append(2); len(state)').text == '2'
    error = sandbox.run_code('1 / 0').error
    assert (error.name, error.value) == ('ZeroDivisionError', 'division by zero') and 'Traceback' in error.traceback
    assert sandbox.run_code('def f(:').error.name == 'SyntaxError'
    assert sandbox.run_code('raise SystemExit(3)').error is not None
    assert sandbox.run_code('len(state)').text == '2'


def test_callbacks(sandbox):
    out, results, errors = [], [], []
    sandbox.run_code(
        'print(1)\ndisplay(2)\n3\n', on_stdout=lambda m: out.append(m.line), on_result=results.append, on_error=errors.append
    )
    assert ''.join(out) == '1\n' and [r.text for r in results] == ['2', '3'] and errors == []
    assert [r.is_main_result for r in results] == [False, True]


def test_top_level_await_magics_and_shell(sandbox):
    assert sandbox.run_code('import asyncio\nawait asyncio.sleep(0.01)\n"done"').text == 'done'
    assert sandbox.run_code('!echo from the shell').logs.stdout == ['from the shell\n']
    assert 'loop' in ''.join(sandbox.run_code('%timeit -n 1 -r 1 1+1').logs.stdout)
    assert ''.join(sandbox.run_code('%%bash\necho cell magic').logs.stdout) == 'cell magic\n'
    assert sandbox.run_code('%env COLOUR=red\nimport os\nos.environ["COLOUR"]').text == 'red'


@pytest.mark.parametrize(
    ('display', 'field', 'value'),
    [
        ('HTML("<b>x</b>")', 'html', '<b>x</b>'),
        ('Markdown("*x*")', 'markdown', '*x*'),
        ('Latex("$x$")', 'latex', '$x$'),
        ('JSON({"a": 1})', 'json', {'a': 1}),
        ('Javascript("x()")', 'javascript', 'x()'),
        ('SVG("<svg xmlns=\\"http://www.w3.org/2000/svg\\"/>")', 'svg', '<svg xmlns="http://www.w3.org/2000/svg"/>'),
    ],
)
def test_display(sandbox, display, field, value):
    run = sandbox.run_code(f'from IPython.display import *\n{display}')
    assert getattr(run.results[0], field) == value


def test_tables_and_figures(sandbox):
    table = sandbox.run_code('import pandas as pd\npd.DataFrame({"a": [1, 2]})').results[0]
    assert '<table' in table.html and table.data == {'a': [1, 2]}
    figure = sandbox.run_code('import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()').results[0]
    assert base64.b64decode(figure.png)[1:4] == b'PNG'


CHARTS = {
    ChartType.LINE: 'ax.plot([1, 2, 3], [4, 5, 6], label="l"); ax.legend()',
    ChartType.SCATTER: 'ax.scatter([1, 2], [3, 4], label="s")',
    ChartType.BAR: 'ax.bar(["a", "b"], [1, 2], label="b")',
    ChartType.PIE: 'ax.pie([1, 2], labels=["a", "b"])',
    ChartType.BOX_AND_WHISKER: 'ax.boxplot([[1, 2, 3, 4], [2, 3, 4, 9]], patch_artist=True)',
}


@pytest.mark.parametrize('kind', CHARTS, ids=str)
def test_charts(sandbox, kind):
    code = f'import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.set_title("T"); ax.set_xlabel("X"); ax.set_ylabel("Y")\n{CHARTS[kind]}\nplt.show()'
    chart = sandbox.run_code(code).results[0].chart
    assert chart is not None and chart.type == kind and chart.title == 'T'
    assert len(chart.elements) > 0


def test_a_figure_of_several_charts(sandbox):
    code = 'import matplotlib.pyplot as plt\nfig, (a, b) = plt.subplots(1, 2)\na.plot([1, 2]); b.bar(["x"], [1])\nplt.show()'
    chart = sandbox.run_code(code).results[0].chart
    assert chart.type == ChartType.SUPERCHART and [each.type for each in chart.elements] == [ChartType.LINE, ChartType.BAR]


@pytest.mark.parametrize('plot', ['[[5, 5, 5]]', '[[1, 2, 3, 4]]'])
def test_box_plots_without_fill_and_of_one_height_have_their_data(sandbox, plot, is_cloud):
    if is_cloud:
        pytest.skip('E2B loses these')
    run = sandbox.run_code(f'import matplotlib.pyplot as plt\nplt.figure(); plt.boxplot({plot}); plt.show()')
    assert run.results[0].chart is not None and run.results[0].chart.type == ChartType.BOX_AND_WHISKER
    assert len(run.results[0].chart.elements) == 1


@pytest.mark.parametrize(
    ('language', 'code', 'out'),
    [
        ('javascript', 'console.log([1, 2].map((x) => x * 2).join())', '2,4\n'),
        ('js', 'console.log(typeof await Promise.resolve(1))', 'number\n'),
        ('typescript', 'const x: number = 3; console.log(x)', '3\n'),
        ('bash', 'echo $((1 + 1))', '2\n'),
    ],
)
def test_languages(sandbox, language, code, out):
    assert ''.join(sandbox.run_code(code, language=language).logs.stdout) == out


def test_an_unknown_language_is_refused(sandbox):
    with pytest.raises(Exception):
        sandbox.run_code('1', language='cobol')


def test_contexts(sandbox):
    context = sandbox.create_code_context(cwd='/tmp')
    assert (context.language, context.cwd) == ('python', '/tmp')
    sandbox.run_code('x = "of the context"', context=context)
    assert sandbox.run_code('x', context=context).text == 'of the context'
    assert sandbox.run_code('"x" in globals() and x == "of the context"').text == 'False'
    assert context.id in [each.id for each in sandbox.list_code_contexts()]
    sandbox.restart_code_context(context)
    assert sandbox.run_code('"x" in globals()', context=context).text == 'False'
    assert sandbox.run_code('import os; os.getcwd()', context=context).text == '/tmp'
    sandbox.remove_code_context(context)
    with pytest.raises(NotFoundException):
        sandbox.run_code('1', context=context)
    javascript = sandbox.create_code_context(language='javascript')
    sandbox.run_code('globalThis.y = 5', context=javascript)
    assert ''.join(sandbox.run_code('console.log(y)', context=javascript).logs.stdout) == '5\n'


def test_envs_of_a_run(sandbox):
    value = 'with "quotes", \'both\'\nand lines'
    out = sandbox.run_code('import os; print(os.environ["V"], end="")', envs={'V': value})
    assert ''.join(out.logs.stdout) == value
    assert sandbox.run_code('os.environ.get("V")').text is None


def test_a_run_after_one_that_was_given_up_works_at_once(sandbox):
    with pytest.raises(TimeoutException):
        sandbox.run_code('import time; time.sleep(60)', timeout=1)
    assert sandbox.run_code('1 + 1', timeout=10).text == '2'


def test_input_is_refused_clearly(sandbox):
    assert 'input' in sandbox.run_code('input("?")').error.value


def test_a_killed_interpreter_is_replaced(sandbox):
    context = sandbox.create_code_context()
    try:
        sandbox.run_code('import os, signal; os.kill(os.getpid(), signal.SIGKILL)', context=context)
    except Exception:
        pass
    assert sandbox.run_code('2 + 2', context=context).text == '4'


def test_large_output(sandbox):
    run = sandbox.run_code('print("x" * 5_000_000)')
    assert len(''.join(run.logs.stdout)) == 5_000_001
