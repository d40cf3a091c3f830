# In the child: another program in its place, such as node or bash.


def command_body(plan):
    def body(fd):
        reset_signals()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        environment = dict(os.environ, PWD=plan["folder"], **plan.get("environment", {}))
        if fd is not None:
            os.set_inheritable(fd, True)
            environment["ASSAY_NEWS_FD"] = str(fd)
        argv = argv_of(plan)
        # The limits are set here, so what a shell would set before Node is left out.
        path = path_of(argv[0])
        if argv[0] == "node":
            argv = argv[:1] + ["--max-old-space-size=%d" % plan["memoryMb"]] + argv[1:]
            limit_memory(data_of_node(plan), base=0)
        else:
            limit_memory(plan["memoryMb"] + 16, base=0)
        os.execve(path, argv, environment)

    return body


def argv_of(plan):
    if plan.get("argv"):
        return plan["argv"]
    if plan["language"] == "bash":
        return ["bash", plan["file"]]
    return ["node", "--no-warnings", "--experimental-transform-types", plan["file"]]


def path_of(program):
    import shutil

    own = "/opt/node/bin/" + program
    return own if os.path.exists(own) else shutil.which(program) or program


# What Node itself needs of its data segment before the code has any.
NODE_BASE_MB = 1024
# And what it reserves, and mostly leaves alone, for some threads of JavaScript: half a GiB each.
WORKERS_MB = 4096


def data_of_node(plan):
    """How large its data segment may be, in MiB."""
    texts = plan.get("code", ""), *plan.get("write", {}).values()
    return plan["memoryMb"] + NODE_BASE_MB + (WORKERS_MB if any("worker_threads" in text for text in texts) else 0)
