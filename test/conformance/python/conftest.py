"""Drives a server as programs with E2B's Python SDK do: E2B_API_KEY, E2B_API_URL and E2B_SANDBOX_URL say which one."""

import os
import time

import pytest
from e2b_code_interpreter import AsyncSandbox, Sandbox

IS_CLOUD = 'E2B_SANDBOX_URL' not in os.environ


@pytest.fixture
def is_cloud():
    return IS_CLOUD


@pytest.fixture(scope='session')
def sandbox():
    with Sandbox.create(timeout=600) as made:
        yield made


@pytest.fixture
def create(request):
    def make(*args, **options):
        made = Sandbox.create(*args, **{'timeout': 120, **options})
        request.addfinalizer(made.kill)
        return made

    return make


@pytest.fixture
async def async_sandbox():
    made = await AsyncSandbox.create(timeout=120)
    yield made
    await made.kill()


@pytest.fixture
def eventually():
    def wait(check, seconds=15):
        until = time.monotonic() + seconds
        while True:
            try:
                found = check()
                if found:
                    return found
            except AssertionError:
                if time.monotonic() > until:
                    raise
            assert time.monotonic() < until, 'it did not come true'
            time.sleep(0.1)

    return wait
