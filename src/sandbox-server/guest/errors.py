"""What an operation may end in: one of Connect's codes and a sentence."""

import errno
import shutil
import struct


class OpError(Exception):
    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code

    def as_json(self):
        return {'code': self.code, 'message': str(self)[:4096]}


CODES = {
    errno.ENOENT: 'not_found',
    errno.ESRCH: 'not_found',
    errno.EEXIST: 'already_exists',
    errno.ENOTEMPTY: 'failed_precondition',
    errno.ENOSPC: 'resource_exhausted',
    errno.EDQUOT: 'resource_exhausted',
    errno.EFBIG: 'resource_exhausted',
    errno.EMFILE: 'resource_exhausted',
    errno.EAGAIN: 'resource_exhausted',
    errno.ENOMEM: 'resource_exhausted',
    errno.EACCES: 'permission_denied',
    errno.EPERM: 'permission_denied',
    errno.EROFS: 'permission_denied',
    errno.EISDIR: 'invalid_argument',
    errno.ENOTDIR: 'invalid_argument',
    errno.EINVAL: 'invalid_argument',
    errno.ENAMETOOLONG: 'invalid_argument',
    errno.ELOOP: 'invalid_argument',
    errno.EXDEV: 'invalid_argument',
    errno.ERANGE: 'invalid_argument',
    errno.ENXIO: 'invalid_argument',
    errno.E2BIG: 'invalid_argument',
    errno.EOPNOTSUPP: 'invalid_argument',
    # What files of the kernel answer to reads and writes that they have no use for.
    errno.EIO: 'failed_precondition',
    errno.ENODEV: 'failed_precondition',
    errno.EBUSY: 'failed_precondition',
    errno.ETXTBSY: 'failed_precondition',
    errno.EMLINK: 'resource_exhausted',
    errno.ENFILE: 'resource_exhausted',
}


def op_error(error: BaseException) -> OpError:
    """Anything thrown by an operation, as the error that the server is told."""
    if isinstance(error, OpError):
        return error
    if isinstance(error, OSError) and error.errno is not None:
        where = f": '{error.filename}'" if error.filename else ''
        return OpError(CODES.get(error.errno, 'internal'), f'{error.strerror}{where}')
    if isinstance(error, shutil.Error):
        return OpError('failed_precondition', str(error))
    if isinstance(error, RecursionError):
        return OpError('invalid_argument', 'nested too deeply')
    if isinstance(error, (struct.error, OverflowError)):
        return OpError('invalid_argument', f'a number out of its range: {error}')
    if isinstance(error, (KeyError, TypeError, ValueError, AttributeError)):
        return OpError('invalid_argument', f'malformed request: {type(error).__name__}: {error}')
    return OpError('internal', f'{type(error).__name__}: {error}')
