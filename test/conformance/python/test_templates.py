from uuid import uuid4

import pytest
from e2b import BuildException, Template


def test_build_and_use(create, is_cloud):
    name = f'conformance-{uuid4()}'
    base = Template().from_template('base') if not is_cloud else Template().from_base_image()
    template = base.set_envs({'COLOUR': 'green'}).run_cmd('echo built > /home/user/built.txt')
    Template.build(template, name)
    assert Template.exists(name)
    sandbox = create(name)
    assert sandbox.files.read('built.txt') == 'built\n'
    assert sandbox.commands.run('echo $COLOUR').stdout == 'green\n'


def test_tags_and_status(create, eventually, is_cloud):
    name = f'conformance-{uuid4()}'
    base = Template().from_template('base') if not is_cloud else Template().from_base_image()
    info = Template.build_in_background(base.run_cmd('echo tagged > tagged'), f'{name}:v1')
    eventually(lambda: Template.get_build_status(info).status.value == 'ready', 120)
    tagged = Template.assign_tags(f'{name}:v1', ['stable', 'latest'])
    assert set(tagged.tags) >= {'stable', 'latest'} and tagged.build_id == info.build_id
    assert {tag.tag for tag in Template.get_tags(name)} >= {'v1', 'stable', 'latest'}
    assert create(f'{name}:stable').files.read('tagged') == 'tagged\n'
    Template.remove_tags(name, ['latest'])
    assert 'latest' not in {tag.tag for tag in Template.get_tags(name)}


def test_a_failing_step(is_cloud):
    base = Template().from_template('base') if not is_cloud else Template().from_base_image()
    with pytest.raises(BuildException):
        Template.build(base.run_cmd('exit 3'), f'conformance-{uuid4()}')


def test_servers_in_the_sandbox(create, eventually, is_cloud):
    import urllib.request

    sandbox = create()
    sandbox.files.write('index.html', 'served')
    sandbox.commands.run('python3 -m http.server 8000', background=True)
    host = sandbox.get_host(8000)
    request = urllib.request.Request(f'https://{host}/index.html')
    if not is_cloud:
        # Names under localhost are not looked up on every system.
        request = urllib.request.Request(f'http://127.0.0.1:{host.rsplit(":", 1)[1]}/index.html', headers={'host': host})

    def served():
        try:
            return urllib.request.urlopen(request).read() == b'served'
        except OSError:
            return False

    eventually(served)
