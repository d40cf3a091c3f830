# In the parent, between two runs in one sandbox: nothing of the first is there for the second.
import stat

# Beside the home folder, where an unprivileged process can leave files.
SHARED_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")
MOST_FILES = 20000
KILL_SECONDS = 2
baseline = {}


def remember(folder):
    """Notes the processes and files of a sandbox in which nothing has run yet."""
    roots = {os.path.realpath(root) for root in (os.path.dirname(folder), *SHARED_FOLDERS)}
    baseline["roots"] = sorted(root for root in roots if os.path.isdir(root))
    baseline["files"] = {path: mark_of(path, status) for path, status in files(baseline["roots"])}
    baseline["processes"] = set(processes())


def clean(show, plan):
    """Ends every process and removes every file that a run has left; says why the sandbox is spoilt where that is not enough."""
    try:
        reason = end_strays() or left_in_memory() or remove_leavings()
        os.makedirs(plan["folder"], exist_ok=True)
    except (OSError, RecursionError) as error:
        reason = "it could not be cleaned: %s" % error
    show(clean=reason or "")


def clean_now(plan):
    show = Printer()
    clean(show, plan)
    show.flush()


def end_strays():
    until = time.monotonic() + KILL_SECONDS
    while True:
        table = processes()
        strays = [pid for pid, (_, state, _) in table.items()
                  if pid not in baseline["processes"] and pid != os.getpid() and state not in "ZX" and is_mine(pid)]
        while True:  # Orphans are this process's to collect.
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
        if not strays:
            return None
        if time.monotonic() > until:
            return "the process %s does not end" % table[strays[0]][2]
        for pid in strays:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.001)


def is_mine(pid):
    try:
        return os.stat("/proc/%d" % pid).st_uid in (os.getuid(), 0)
    except OSError:
        return False


def left_in_memory():
    for kind in ("shm", "sem", "msg"):
        try:
            with open("/proc/sysvipc/" + kind) as table:
                if len(table.readlines()) > 1:
                    return "System V objects (%s) were left" % kind
        except OSError:
            pass
    return None


def files(roots):
    """(path, status) of the roots and all below, folders after what is in them. Links are not followed."""
    count = 0
    for root in roots:
        for folder, folders, names in os.walk(root, topdown=False, onerror=None):
            for name in names + folders:
                path = os.path.join(folder, name)
                count += 1
                if count > MOST_FILES:
                    raise OSError("more than %d files were left" % MOST_FILES)
                try:
                    yield path, os.lstat(path)
                except OSError:
                    pass
        yield root, os.lstat(root)


def mark_of(path, status):
    if stat.S_ISDIR(status.st_mode):
        return status.st_ino, status.st_mode, attributes_of(path)
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def attributes_of(folder):
    """Names of extended attributes: what they say would outlive the files."""
    try:
        return tuple(os.listxattr(folder))
    except OSError:
        return ()


def remove_leavings():
    known, seen = baseline["files"], set()
    for root in baseline["roots"]:
        open_folders(root)
    for path, status in list(files(baseline["roots"])):
        if path not in known:
            if stat.S_ISDIR(status.st_mode):
                os.rmdir(path)
            else:
                os.unlink(path)
            continue
        seen.add(path)
        if known[path] != mark_of(path, status):
            return "%s was changed" % path
    gone = known.keys() - seen
    return "%s was removed" % gone.pop() if gone else None


def open_folders(root):
    """A folder that denies its owner to look inside would hide what is in it."""
    for folder, folders, _ in os.walk(root):
        for name in folders:
            path = os.path.join(folder, name)
            if path not in baseline["files"] and not os.path.islink(path) and not os.access(path, os.R_OK | os.W_OK | os.X_OK):
                os.chmod(path, 0o700)
