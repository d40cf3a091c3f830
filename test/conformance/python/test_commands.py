import time

import pytest
from e2b import CommandExitException, PtySize
from e2b.exceptions import InvalidArgumentException, NotFoundException, SandboxException, TimeoutException


def test_output_and_exit_code(sandbox):
    result = sandbox.commands.run('echo out; echo err >&2')
    assert (result.stdout, result.stderr, result.exit_code) == ('out\n', 'err\n', 0)
    with pytest.raises(CommandExitException) as failed:
        sandbox.commands.run('echo sorry >&2; exit 3')
    assert failed.value.exit_code == 3 and failed.value.stderr == 'sorry\n'


def test_unicode_multiline_and_large_output(sandbox):
    assert sandbox.commands.run("printf 'grüße 🌍\\n%.0s' 1 2 3").stdout == 'grüße 🌍\n' * 3
    text = 'a\n\nb \\ " $ `\n'
    assert sandbox.commands.run(f"cat <<'X'\n{text}X").stdout == text
    assert len(sandbox.commands.run('head -c 3000000 /dev/zero | tr "\\0" x').stdout) == 3_000_000


def test_callbacks_come_as_it_runs(sandbox):
    seen = []
    sandbox.commands.run('for i in 1 2 3; do echo $i; sleep 0.3; done', on_stdout=lambda text: seen.append((time.monotonic(), text)))
    assert ''.join(text for _, text in seen) == '1\n2\n3\n'
    assert seen[-1][0] - seen[0][0] > 0.3


def test_envs_cwd_and_users(sandbox):
    assert sandbox.commands.run('echo "$A|$B"', envs={'A': 'a b', 'B': '"\'$\n'}).stdout == 'a b|"\'$\n\n'
    assert sandbox.commands.run('pwd').stdout == '/home/user\n'
    assert sandbox.commands.run('pwd', cwd='/tmp').stdout == '/tmp\n'
    assert sandbox.commands.run('echo $HOME', user='user').stdout == '/home/user\n'
    assert sandbox.commands.run('true', user='root').exit_code == 0
    with pytest.raises((InvalidArgumentException, SandboxException)):
        sandbox.commands.run('pwd', cwd='/no/such/folder')


def test_time_limit(sandbox):
    started = time.monotonic()
    with pytest.raises(TimeoutException):
        sandbox.commands.run('sleep 61', timeout=1)
    assert time.monotonic() - started < 10


def test_background_list_connect_kill(sandbox, eventually):
    handle = sandbox.commands.run('echo started; exec sleep 71', background=True)
    listed = {each.pid: each for each in sandbox.commands.list()}
    assert 'sleep 71' in listed[handle.pid].args[-1]
    again = sandbox.commands.connect(handle.pid)
    assert again.pid == handle.pid
    assert sandbox.commands.kill(handle.pid) is True
    with pytest.raises(CommandExitException):
        handle.wait()
    eventually(lambda: handle.pid not in [each.pid for each in sandbox.commands.list()])
    assert sandbox.commands.kill(handle.pid) is False
    with pytest.raises(NotFoundException):
        sandbox.commands.connect(handle.pid)


def test_stdin(sandbox):
    handle = sandbox.commands.run('read line; echo "got $line"; cat', background=True, stdin=True)
    sandbox.commands.send_stdin(handle.pid, 'first\n')
    sandbox.commands.send_stdin(handle.pid, 'rest ü')
    sandbox.commands.close_stdin(handle.pid)
    assert handle.wait().stdout == 'got first\nrest ü'


def test_pty(sandbox, eventually):
    handle = sandbox.pty.create(PtySize(rows=24, cols=100), envs={'WHERE': 'pty'}, cwd='/tmp')
    sandbox.pty.send_stdin(handle.pid, b'echo "in $WHERE at $PWD"; stty size\n')
    said, resized = '', False
    for _, _, data in handle:
        said += bytes(data or b'').decode(errors='replace')
        if '24 100' in said and not resized:
            resized = True
            sandbox.pty.resize(handle.pid, PtySize(rows=30, cols=90))
            sandbox.pty.send_stdin(handle.pid, b'stty size; exit\n')
    assert 'in pty at /tmp' in said and '30 90' in said
    other = sandbox.pty.create(PtySize(rows=24, cols=80))
    assert sandbox.pty.kill(other.pid) is True
    eventually(lambda: sandbox.pty.kill(other.pid) is False)


def test_git(sandbox):
    git = sandbox.git
    path = '/home/user/repo'
    git.init(path, initial_branch='main')
    git.configure_user('Ann', 'ann@example.com', scope='local', path=path)
    sandbox.files.write(f'{path}/a.txt', 'one\n')
    status = git.status(path)
    assert [entry.name for entry in status.file_status] == ['a.txt'] and not status.is_clean
    git.add(path)
    git.commit(path, 'first')
    assert git.status(path).is_clean
    git.create_branch(path, 'feature')
    branches = git.branches(path)
    assert branches.current_branch == 'feature' and sorted(branches.branches) == ['feature', 'main']
    git.checkout_branch(path, 'main')
    git.delete_branch(path, 'feature', force=True)
    sandbox.commands.run('git init --bare -b main /home/user/origin.git')
    git.remote_add(path, 'origin', '/home/user/origin.git')
    assert git.remote_get(path, 'origin') == '/home/user/origin.git'
    git.push(path, remote='origin', branch='main', set_upstream=True)
    git.clone('/home/user/origin.git', '/home/user/clone')
    assert sandbox.files.read('/home/user/clone/a.txt') == 'one\n'
    git.set_config('user.name', 'Bob', scope='local', path=path)
    assert git.get_config('user.name', scope='local', path=path) == 'Bob'
    sandbox.files.write(f'{path}/a.txt', 'two\n')
    git.restore(path, ['a.txt'])
    assert sandbox.files.read(f'{path}/a.txt') == 'one\n'
