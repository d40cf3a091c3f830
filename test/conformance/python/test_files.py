import io
import time
import urllib.request
from uuid import uuid4

import pytest
from e2b import CommandExitException, FileType, FilesystemEventType
from e2b.sandbox.filesystem.filesystem import WriteEntry
from e2b.exceptions import InvalidArgumentException, NotFoundException


@pytest.fixture
def folder(sandbox):
    path = f'/home/user/{uuid4()}'
    sandbox.files.make_dir(path)
    yield path
    sandbox.files.remove(path)


def test_write_and_read_all_kinds(sandbox, folder):
    info = sandbox.files.write(f'{folder}/text', 'grüße\n')
    assert (info.name, info.path, info.type) == ('text', f'{folder}/text', FileType.FILE)
    assert sandbox.files.read(f'{folder}/text') == 'grüße\n'
    data = bytes(range(256)) * 100
    sandbox.files.write(f'{folder}/bytes', data)
    assert bytes(sandbox.files.read(f'{folder}/bytes', format='bytes')) == data
    sandbox.files.write(f'{folder}/stream', io.BytesIO(data))
    assert b''.join(sandbox.files.read(f'{folder}/stream', format='stream')) == data
    sandbox.files.write(f'{folder}/empty', '')
    assert sandbox.files.read(f'{folder}/empty') == ''
    assert bytes(sandbox.files.read(f'{folder}/empty', format='bytes')) == b''


def test_write_many_and_overwrite(sandbox, folder):
    files = [WriteEntry(path=f'{folder}/deep/{i}', data=str(i)) for i in range(12)]
    assert len(sandbox.files.write_files(files)) == 12
    assert sandbox.files.read(f'{folder}/deep/7') == '7'
    assert sandbox.files.write_files([]) == []
    sandbox.files.write(f'{folder}/deep/7', 'longer than before')
    sandbox.files.write(f'{folder}/deep/7', 'x')
    assert sandbox.files.read(f'{folder}/deep/7') == 'x'


def test_gzip(sandbox, folder):
    text = 'compressible ' * 100_000
    sandbox.files.write(f'{folder}/big', text, gzip=True)
    assert sandbox.files.read(f'{folder}/big', gzip=True) == text
    assert sandbox.files.read(f'{folder}/big') == text


def test_relative_and_home_paths_and_users(sandbox, folder):
    name = folder.rsplit('/', 1)[1]
    sandbox.files.write(f'{name}/relative', 'r')
    assert sandbox.files.read(f'{folder}/relative') == 'r'
    sandbox.files.write(f'{folder}/as-root', 'root', user='root')
    assert sandbox.files.read(f'{folder}/as-root', user='user') == 'root'


def test_read_what_is_not_there(sandbox, folder):
    with pytest.raises(NotFoundException):
        sandbox.files.read(f'{folder}/nothing')
    with pytest.raises(InvalidArgumentException):
        sandbox.files.read(folder)


def test_list_with_depth(sandbox, folder):
    for path in ('a/b/c.txt', 'a/d.txt', 'e.txt', '.hidden'):
        sandbox.files.write(f'{folder}/{path}', '')
    names = [entry.name for entry in sandbox.files.list(folder)]
    assert sorted(names) == ['.hidden', 'a', 'e.txt']
    assert len(sandbox.files.list(folder, depth=2)) == 5
    paths = [entry.path.removeprefix(f'{folder}/') for entry in sandbox.files.list(folder, depth=3)]
    assert paths == ['.hidden', 'a', 'a/b', 'a/b/c.txt', 'a/d.txt', 'e.txt']
    with pytest.raises(InvalidArgumentException):
        sandbox.files.list(folder, depth=0)
    with pytest.raises(NotFoundException):
        sandbox.files.list(f'{folder}/nothing')


def test_info_of_files_folders_and_links(sandbox, folder):
    sandbox.files.write(f'{folder}/file', '12345')
    info = sandbox.files.get_info(f'{folder}/file')
    assert (info.name, info.type, info.size, info.mode) == ('file', FileType.FILE, 5, 0o644)
    assert info.permissions == '-rw-r--r--' and info.owner == 'user' and info.group == 'user'
    assert abs(info.modified_time.timestamp() - time.time()) < 120
    assert sandbox.files.get_info(folder).type == FileType.DIR
    sandbox.commands.run(f'ln -s {folder}/file {folder}/link; ln -s nowhere {folder}/broken')
    link = sandbox.files.get_info(f'{folder}/link')
    assert link.symlink_target == f'{folder}/file'
    sandbox.commands.run(f'cd {folder} && mkdir inner && ln -s ../file inner/near')
    near = sandbox.files.get_info(f'{folder}/inner/near')
    assert (near.symlink_target, near.type, near.mode) == (f'{folder}/file', FileType.FILE, 0o644)
    assert sandbox.files.get_info('/tmp').permissions == 'dtrwxrwxrwx'
    with pytest.raises(NotFoundException):
        sandbox.files.get_info(f'{folder}/nothing')


def test_exists_make_dir_rename_remove(sandbox, folder):
    assert sandbox.files.make_dir(f'{folder}/a/b') is True
    assert sandbox.files.make_dir(f'{folder}/a/b') is False
    assert sandbox.files.exists(f'{folder}/a/b') and not sandbox.files.exists(f'{folder}/x')
    sandbox.files.write(f'{folder}/a/b/file', 'moved')
    renamed = sandbox.files.rename(f'{folder}/a/b/file', f'{folder}/a/c')
    assert renamed.path == f'{folder}/a/c' and sandbox.files.read(f'{folder}/a/c') == 'moved'
    with pytest.raises(NotFoundException):
        sandbox.files.rename(f'{folder}/x', f'{folder}/y')
    sandbox.files.remove(f'{folder}/a')
    assert not sandbox.files.exists(f'{folder}/a')
    sandbox.files.remove(f'{folder}/a')


@pytest.mark.parametrize('recursive', [False, True])
def test_watch(sandbox, folder, eventually, recursive):
    sandbox.files.make_dir(f'{folder}/deep')
    handle = sandbox.files.watch_dir(folder, recursive=recursive)
    name = 'deep/file' if recursive else 'file'
    sandbox.files.write(f'{folder}/{name}', 'content')
    seen = []

    def has_written():
        seen.extend(handle.get_new_events())
        return any(e.type == FilesystemEventType.WRITE and e.name == name for e in seen)

    eventually(has_written)
    sandbox.files.remove(f'{folder}/{name}')
    eventually(lambda: any(e.type == FilesystemEventType.REMOVE for e in handle.get_new_events()))
    handle.stop()
    with pytest.raises(NotFoundException):
        sandbox.files.watch_dir(f'{folder}/nothing')


@pytest.mark.parametrize('recursive', [False, True])
def test_a_watch_tells_of_a_write_as_soon_as_that_is_done(sandbox, folder, recursive):
    sandbox.files.make_dir(f'{folder}/deep')
    handle = sandbox.files.watch_dir(folder, recursive=recursive)
    name = 'deep/file' if recursive else 'file'
    for _ in range(10):
        sandbox.files.write(f'{folder}/{name}', 'content')
        events = [(event.type, event.name) for event in handle.get_new_events()]
        assert events == [(kind, name) for kind in (FilesystemEventType.CREATE, FilesystemEventType.CHMOD, FilesystemEventType.WRITE)]
        sandbox.files.write(f'{folder}/{name}', 'more')
        assert (FilesystemEventType.WRITE, name) in [(event.type, event.name) for event in handle.get_new_events()]
        sandbox.files.remove(f'{folder}/{name}')
        assert [event.type for event in handle.get_new_events()] == [FilesystemEventType.REMOVE]
    sandbox.files.make_dir(f'{folder}/new')
    sandbox.files.write(f'{folder}/new/file', 'content')
    seen = {(event.type, event.name) for event in handle.get_new_events()}
    assert (FilesystemEventType.CREATE, 'new') in seen
    assert ((FilesystemEventType.WRITE, 'new/file') in seen) == recursive
    handle.stop()


def test_folders_right_under_the_root(sandbox):
    name = f'/r{uuid4().hex[:8]}'
    assert sandbox.files.write(f'{name}/deep/file.txt', 'x').path == f'{name}/deep/file.txt'
    assert sandbox.files.make_dir(name) is False
    assert sandbox.files.make_dir(f'{name}-made') is True and sandbox.files.make_dir(f'{name}-made') is False
    assert sandbox.files.rename(f'{name}/deep/file.txt', f'{name}-moved/file.txt').path == f'{name}-moved/file.txt'
    sandbox.commands.run(f'echo y >> {name}-moved/file.txt && touch {name}-made/new {name}/new')
    assert sandbox.files.read(f'{name}-moved/file.txt') == 'xy\n'
    with pytest.raises(CommandExitException):
        sandbox.commands.run(f'mkdir {name}-by-code')


def test_signed_urls(sandbox, folder):
    path = f'{folder}/signed'
    body = b'--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\nuploaded\r\n--b--\r\n'
    upload = sandbox.upload_url(path)
    request = urllib.request.Request(upload, body, {'content-type': 'multipart/form-data; boundary=b'}, method='POST')
    assert urllib.request.urlopen(request).status == 200
    assert urllib.request.urlopen(sandbox.download_url(path, use_signature_expiration=60)).read() == b'uploaded'
    for bad in (sandbox.download_url(path).replace('v1_', 'v1_x'), sandbox.download_url(path, use_signature_expiration=-60)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(bad)
        assert refused.value.code == 401


def test_metadata(sandbox, folder):
    metadata = {'origin': 'test', 'kind': 'a b'}
    supported = 'python3 -c "import os; os.setxattr(\'.\', \'user.x\', b\'1\')" || echo no'
    if sandbox.commands.run(supported, cwd=folder).stdout:
        pytest.skip('this kernel has no attributes on tmpfs')
    assert sandbox.files.write(f'{folder}/tagged', 'x', metadata=metadata).metadata == metadata
    assert sandbox.files.get_info(f'{folder}/tagged').metadata == metadata
    sandbox.commands.run(f'setfattr -x user.e2b.kind {folder}/tagged && setfattr -n user.e2b.by -v code {folder}/tagged')
    assert sandbox.files.rename(f'{folder}/tagged', f'{folder}/moved').metadata == {'origin': 'test', 'by': 'code'}
    assert sandbox.commands.run(f'getfattr --only-values -n user.e2b.origin {folder}/moved').stdout == 'test'
    assert [entry.metadata for entry in sandbox.files.list(folder)] == [{'origin': 'test', 'by': 'code'}]
    assert sandbox.files.write(f'{folder}/moved', 'y').metadata is None
    assert sandbox.files.get_info(f'{folder}/moved').metadata is None
