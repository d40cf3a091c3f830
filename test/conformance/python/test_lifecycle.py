import time
from datetime import datetime, timedelta, timezone

import pytest
from e2b import AuthenticationException, Sandbox as BaseSandbox, SandboxQuery, SandboxState
from e2b.exceptions import SandboxException, SandboxNotFoundException
from e2b_code_interpreter import AsyncSandbox, Sandbox


def test_create_info_kill(create):
    sandbox = create(metadata={'who': 'me', 'ü': 'a=b&c'}, envs={'COLOUR': 'green'})
    assert sandbox.is_running()
    info = sandbox.get_info()
    assert info.sandbox_id == sandbox.sandbox_id
    assert info.metadata == {'who': 'me', 'ü': 'a=b&c'}
    assert info.state == SandboxState.RUNNING
    assert info.started_at < info.end_at
    assert info.cpu_count > 0 and info.memory_mb > 0 and info.envd_version
    assert sandbox.commands.run('echo $COLOUR').stdout == 'green\n'
    assert sandbox.kill() is True
    assert sandbox.kill() is False
    assert not sandbox.is_running()


def test_list_by_metadata_state_and_pages(create):
    stamp = str(time.time())
    ids = [create(metadata={'stamp': stamp}).sandbox_id for _ in range(3)]
    first = Sandbox.list(query=SandboxQuery(metadata={'stamp': stamp}), limit=2)
    found = [each.sandbox_id for each in first.next_items()]
    assert len(found) == 2 and first.has_next
    found += [each.sandbox_id for each in first.next_items()]
    assert sorted(found) == sorted(ids) and not first.has_next
    running = Sandbox.list(query=SandboxQuery(metadata={'stamp': stamp}, state=[SandboxState.RUNNING]))
    assert len(running.next_items()) == 3
    paused = Sandbox.list(query=SandboxQuery(metadata={'stamp': stamp}, state=[SandboxState.PAUSED]))
    assert paused.next_items() == []


def test_connect_by_a_second_client(create):
    sandbox = create()
    sandbox.files.write('note', 'from the first')
    assert Sandbox.connect(sandbox.sandbox_id).files.read('note') == 'from the first'
    with pytest.raises(SandboxException):
        Sandbox.connect('inosuchsandbox000000')


def test_timeout_is_set_and_kept(create):
    sandbox = create(timeout=60)
    sandbox.set_timeout(300)
    left = sandbox.get_info().end_at - datetime.now(timezone.utc)
    assert timedelta(seconds=280) < left <= timedelta(seconds=301)
    short = create(timeout=1)
    time.sleep(2)
    assert not short.is_running()


def test_pause_and_connect(create):
    sandbox = create()
    sandbox.files.write('kept', 'yes')
    sandbox.run_code('x = 41')
    sandbox.pause()
    assert not sandbox.is_running()
    assert Sandbox.get_info(sandbox.sandbox_id).state == SandboxState.PAUSED
    resumed = sandbox.connect()
    assert resumed.sandbox_id == sandbox.sandbox_id
    assert sandbox.is_running()
    assert sandbox.files.read('kept') == 'yes'
    assert sandbox.run_code('x + 1').text == '42'


def test_pause_of_files_alone_boots_anew(create):
    sandbox = create()
    sandbox.files.write('kept', 'yes')
    boot_id = sandbox.files.read('/proc/sys/kernel/random/boot_id')
    sandbox.pause(keep_memory=False)
    sandbox.connect()
    assert sandbox.files.read('kept') == 'yes'
    assert sandbox.files.read('/proc/sys/kernel/random/boot_id') != boot_id


def test_auto_pause(create, eventually):
    sandbox = create(timeout=1, lifecycle={'on_timeout': 'pause'})
    eventually(lambda: Sandbox.get_info(sandbox.sandbox_id).state == SandboxState.PAUSED)
    sandbox.connect(timeout=60)
    assert sandbox.is_running()


def test_snapshots(create):
    sandbox = create()
    sandbox.files.write('data', 'before')
    snapshot = sandbox.create_snapshot()
    sandbox.files.write('data', 'after')
    copy = create(snapshot.snapshot_id)
    assert copy.files.read('data') == 'before'
    listed = Sandbox.list_snapshots(sandbox_id=sandbox.sandbox_id).next_items()
    assert [each.snapshot_id for each in listed] == [snapshot.snapshot_id]
    assert Sandbox.delete_snapshot(snapshot.snapshot_id) is True
    assert Sandbox.delete_snapshot(snapshot.snapshot_id) is False


def test_fork(create):
    sandbox = create()
    sandbox.files.write('data', 'shared')
    forks = sandbox.fork(count=2)
    try:
        assert len({fork.sandbox_id for fork in forks} | {sandbox.sandbox_id}) == 3
        forks[0].files.write('data', 'changed')
        assert forks[1].files.read('data') == sandbox.files.read('data') == 'shared'
    finally:
        for fork in forks:
            fork.kill()


def test_metrics(create, eventually):
    sandbox = create()
    metrics = eventually(sandbox.get_metrics)
    assert metrics[-1].mem_total > 0 and metrics[-1].cpu_count > 0 and metrics[-1].disk_total > 0


def test_a_wrong_key_is_refused():
    with pytest.raises(AuthenticationException):
        Sandbox.create(api_key='e2b_' + '0' * 40)


def test_a_sandbox_that_is_gone(create):
    sandbox = create()
    sandbox.kill()
    with pytest.raises(SandboxNotFoundException):
        sandbox.set_timeout(10)
    with pytest.raises(Exception):
        sandbox.commands.run('true')


def test_base_sdk_too():
    with BaseSandbox.create() as sandbox:
        assert sandbox.commands.run('echo base').stdout == 'base\n'


async def test_async(async_sandbox: AsyncSandbox):
    assert await async_sandbox.is_running()
    await async_sandbox.files.write('a', 'b')
    assert await async_sandbox.files.read('a') == 'b'
    assert (await async_sandbox.run_code('6 * 7')).text == '42'
    result = await async_sandbox.commands.run('echo hi')
    assert result.stdout == 'hi\n'
    await async_sandbox.pause()
    assert not await async_sandbox.is_running()
    await async_sandbox.connect()
    assert await async_sandbox.files.read('a') == 'b'
