"""Volumes and secrets."""

import io
import uuid
from datetime import datetime

import pytest
from e2b import AsyncVolume, Secret, Volume
from e2b.exceptions import NotFoundException, SecretNotFoundException, VolumeException
from e2b_code_interpreter import AsyncSandbox


@pytest.fixture
def volume():
    made = Volume.create(f'conformance-{uuid.uuid4()}')
    yield made
    Volume.destroy(made.volume_id)


def test_volumes_are_found_listed_and_destroyed(volume):
    assert Volume.get_info(volume.volume_id).name == volume.name
    assert volume.volume_id in [each.volume_id for each in Volume.list()]
    volume.write_file('/a', 'x')
    assert Volume.connect(volume.volume_id).read_file('/a') == 'x'
    other = Volume.create(f'conformance-{uuid.uuid4()}')
    assert Volume.destroy(other.volume_id) is True
    assert Volume.destroy(other.volume_id) is False
    with pytest.raises(NotFoundException):
        Volume.get_info(other.volume_id)


def test_content_in_every_form(volume):
    volume.write_file('/text', 'h\u00e9llo')
    volume.write_file('/bytes', b'\0\xff')
    volume.write_file('/stream', io.BytesIO(b'abc' * 100_000))
    volume.write_file('/empty', '')
    assert volume.read_file('/text') == 'h\u00e9llo'
    assert volume.read_file('/bytes', format='bytes') == b'\0\xff'
    assert b''.join(volume.read_file('/stream', format='stream')) == b'abc' * 100_000
    assert volume.read_file('/empty') == ''
    assert b''.join(volume.read_file('/empty', format='stream')) == b''
    assert [entry.path for entry in volume.list('/')] == ['/bytes', '/empty', '/stream', '/text']


def test_what_is_there_is_overwritten_by_force_alone(volume):
    volume.write_file('/a', 'one')
    with pytest.raises(VolumeException):
        volume.write_file('/a', 'two', force=False)
    volume.write_file('/a', 'two', force=True)
    assert volume.read_file('/a') == 'two'
    volume.make_dir('/d/e', force=True)
    with pytest.raises(VolumeException):
        volume.make_dir('/d', force=False)
    volume.remove('/d')
    assert not volume.exists('/d/e')


def test_metadata(volume):
    volume.write_file('/a', 'x', uid=1000, gid=1000, mode=0o644)
    info = volume.get_info('/a')
    assert (info.type.value, info.uid, info.gid, info.mode, info.size) == ('file', 1000, 1000, 0o644, 1)
    assert isinstance(info.mtime, datetime)
    changed = volume.update_metadata('/a', uid=1001, gid=1002, mode=0o755)
    assert (changed.uid, changed.gid, changed.mode) == (1001, 1002, 0o755)


@pytest.mark.parametrize('call', ['list', 'remove', 'read_file', 'get_info', 'update_metadata'])
def test_what_is_not_there_is_told_so(volume, call):
    with pytest.raises(NotFoundException):
        getattr(volume, call)('/nothing', **({'mode': 0o600} if call == 'update_metadata' else {}))


def test_a_mounted_volume_outlives_its_sandboxes(volume, create):
    writer = create(volume_mounts={'/mnt/data': volume})
    writer.files.write('/mnt/data/hello.txt', 'by the writer')
    writer.kill()
    reader = create(volume_mounts={'/mnt/data': volume.name})
    assert reader.files.read('/mnt/data/hello.txt') == 'by the writer'
    assert volume.read_file('/hello.txt') == 'by the writer'


async def test_async_volumes():
    volume = await AsyncVolume.create(f'conformance-{uuid.uuid4()}')
    try:
        await volume.write_file('/a', 'x' * 1000)
        stream = await volume.read_file('/a', format='stream')
        assert sum([len(chunk) async for chunk in stream]) == 1000
        sandbox = await AsyncSandbox.create(volume_mounts={'/data': volume})
        try:
            assert (await sandbox.commands.run('wc -c < /data/a')).stdout == '1000\n'
        finally:
            await sandbox.kill()
    finally:
        assert await AsyncVolume.destroy(volume.volume_id)


def test_secrets():
    name = f'Conformance-{uuid.uuid4().hex}'
    made = Secret.create(name, 'one', metadata={'env': 'test'})
    try:
        assert made.secret_id.startswith('sec_')
        assert (made.name, made.version, made.metadata) == (name.lower(), 1, {'env': 'test'})
        assert Secret.update(made.secret_id, 'two').version == 2
        assert Secret.get_info(made.name).secret_id == made.secret_id
        pages, found = Secret.list(limit=1), []
        while pages.has_next:
            found += [secret.secret_id for secret in pages.next_items()]
        assert made.secret_id in found
        assert Secret.exists(made.name)
    finally:
        assert Secret.destroy(made.secret_id) is True
    assert Secret.destroy(made.secret_id) is False
    with pytest.raises(SecretNotFoundException):
        Secret.update(made.secret_id, 'three')
