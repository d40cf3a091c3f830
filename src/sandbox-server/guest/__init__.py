"""The programs that run beside and inside a local sandbox. PROTOCOL.md is their contract with the server."""
