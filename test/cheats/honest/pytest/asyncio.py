# uses asyncio
import asyncio
async def slow(a, b):
    await asyncio.sleep(0.01)
    return a + b
def add(a, b): return asyncio.run(slow(a, b))
